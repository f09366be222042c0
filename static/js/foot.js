// @ts-check
/** Below an answer: what it took, whether it arrived intact, and what can be done with it. */

import { copyText } from "./copy.js";
import { make, part } from "./templates.js";
import { text } from "./text.js";

export class Foot {
  #element;

  /** @param {HTMLElement} element */
  constructor(element) {
    this.#element = element;
  }

  /** @param {string} model @param {import("./events.js").Done} done */
  tell(model, { stop_reason, usage, timing, cost_usd }) {
    const { meta } = text;
    // Claude counts what it has written when it ends; of an answer that was cut short only the beginning is known
    const counted = stop_reason !== "cancelled" && stop_reason !== "abandoned";
    const facts = [
      model,
      timing?.ttft_ms != null && meta.ttft(timing.ttft_ms),
      counted && timing?.tokens_per_second != null && meta.rate(timing.tokens_per_second),
      usage?.input_tokens != null && meta.input(usage.input_tokens),
      counted && usage?.output_tokens != null && meta.output(usage.output_tokens),
      usage?.cache_read_input_tokens > 0 && meta.cached(usage?.cache_read_input_tokens),
      counted && cost_usd != null && meta.cost(cost_usd),
    ];
    const line = part(this.#element, "meta");
    for (const fact of facts) {
      if (!fact) continue;
      const span = document.createElement("span");
      span.textContent = fact;
      line.append(span);
    }
    this.#element.hidden = false;
  }

  /** The answer has text that can be taken along. @param {() => string} copied @param {() => string} rich  as HTML */
  copyable(copied, rich) {
    const button = /** @type {HTMLButtonElement} */ (part(this.#element, "copy"));
    button.title = text.copyAnswer;
    button.setAttribute("aria-label", text.copyAnswer);
    button.addEventListener("click", () => void copyText(copied(), button, rich()));
    this.#element.hidden = false;
  }

  /** The checksum is right. */
  verified() {
    const mark = make("verified");
    mark.title = text.verifiedWhy;
    part(mark, "word").textContent = text.verified;
    part(this.#element, "meta").append(mark);
  }
}
