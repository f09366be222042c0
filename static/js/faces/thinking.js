// @ts-check
/** Claude's reasoning: folded away, with the time it takes, which counts while it lasts. */

import { make, part } from "../templates.js";
import { text } from "../text.js";

/** ms between two looks at the clock */
const TICK = 1000;

export class ThinkingFold {
  element = make("thinking");
  #since = performance.now();
  #startMs;
  #tokens = 0;
  /** @type {ReturnType<typeof setInterval> | undefined} */
  #timer;

  /** @param {number} startMs  since the generation began */
  constructor(startMs) {
    this.#startMs = startMs;
    this.element.dataset.state = "thinking";
    this.#title(text.thinking);
    this.#timer = setInterval(() => this.#title(text.thinkingFor((performance.now() - this.#since) / 1000)), TICK);
  }

  /** @param {string} piece @param {number} tokens  about how many more there are since that was last said */
  write(piece, tokens) {
    part(this.element, "text").append(piece);
    this.#tokens += tokens;
  }

  /** @param {number} stopMs  since the generation began @param {boolean} again  to go on after a break */
  end(stopMs, again) {
    const words = again ? text.thoughtAgain : text.thought;
    this.#still(words(stopMs - this.#startMs));
    const said = part(this.element, "text");
    if (!said.hasChildNodes()) said.textContent = text.thoughtHidden;
  }

  /** Nothing more comes; it may have been cut off. */
  settle() {
    if (this.element.dataset.state === "thinking") this.#still(text.thoughtBroken);
  }

  /** @param {string} words */
  #still(words) {
    clearInterval(this.#timer);
    this.element.dataset.state = "thought";
    this.#title(words);
  }

  /** @param {string} words */
  #title(words) {
    part(this.element, "title").textContent = this.#tokens > 0 ? `${words} · ${text.aboutTokens(this.#tokens)}` : words;
  }
}
