// @ts-check
/** What went wrong, whose matter it is, and the button that may help. */

import { make, part } from "./templates.js";
import { explain, text } from "./text.js";

/**
 * @typedef {object} How
 * @property {string | null} requestId
 * @property {number | null} retryAfterMs
 * @property {() => void} onAgain
 * @property {(() => void) | null} onEdit  instead, where the same question would meet the same error
 */

/** @param {import("./events.js").Fault} fault @param {How} how @returns {HTMLElement} */
export function faultCard(fault, { requestId, retryAfterMs, onAgain, onEdit }) {
  const card = make("fault");
  const { title, whose } = explain(fault);
  part(card, "title").textContent = title;
  part(card, "whose").textContent = whose;
  part(card, "message").textContent = fault.message;
  part(card, "message").hidden = fault.message === "";
  part(card, "id").textContent = requestId ? text.requestId(requestId) : "";
  const again = /** @type {HTMLButtonElement} */ (part(card, "again"));
  if (onEdit) {
    again.textContent = text.reword;
    again.addEventListener("click", onEdit);
  } else {
    again.addEventListener("click", onAgain, { once: true });
    countDown(again, performance.now() + (retryAfterMs ?? 0));
  }
  return card;
}

/**
 * A button that says how long it is too early.
 *
 * @param {HTMLButtonElement} button
 * @param {number} until  ms, by the page's own clock: in a tab that nobody looks at a second may take a minute
 */
function countDown(button, until) {
  const s = Math.ceil((until - performance.now()) / 1000);
  button.disabled = s > 0;
  button.textContent = s > 0 ? text.tryAgainIn(s) : text.tryAgain;
  if (s > 0) setTimeout(() => countDown(button, until), 1000);
}
