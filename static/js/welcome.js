// @ts-check
/** Before the first question: what one may ask. */

import { make, part } from "./templates.js";
import { text } from "./text.js";

/** @param {HTMLElement} list @param {boolean} demo @param {(prompt: string) => void} onAsk */
export function showExamples(list, demo, onAsk) {
  const examples = [...text.examples, demo ? text.exampleOfDemo : text.exampleOfClaude];
  list.replaceChildren(
    ...examples.map(({ kind, prompt, sent }) => {
      const item = make("example");
      part(item, "kind").textContent = kind;
      part(item, "prompt").textContent = prompt;
      item.firstElementChild?.addEventListener("click", () => onAsk(sent ?? prompt));
      return item;
    }),
  );
}
