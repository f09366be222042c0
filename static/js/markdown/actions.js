// @ts-check
/** What a reader can do with prose: copy and wrap code, go to a footnote and back. One listener serves all of it. */

import { copyText } from "../copy.js";
import { text as words } from "../text.js";

/** ms */
const SHOWN = 2000;

/** @param {HTMLElement} log  the conversation */
export function serveProse(log) {
  log.addEventListener("click", ({ target }) => {
    if (!(target instanceof HTMLButtonElement)) return;
    const { className, dataset } = target;
    if (className === "code__copy") void copyCode(target);
    else if (className === "code__wrap") wrapCode(target);
    else if (className === "noteref") goTo(target, `[data-note="${CSS.escape(dataset.noteref ?? "")}"]`);
    else if (className === "footnote__back") {
      goTo(target, `[data-noteref="${CSS.escape(target.textContent ?? "")}"]`);
    }
  });
}

/** @param {HTMLButtonElement} button */
async function copyCode(button) {
  const code = button.closest(".code")?.querySelector("code");
  if (!code) return;
  if (!navigator.clipboard) return void getSelection()?.selectAllChildren(code); // not a secure page: the reader copies
  await copyText(code.textContent ?? "", button);
  if (button.dataset.done === undefined) return;
  button.textContent = words.copied;
  setTimeout(() => (button.textContent = words.copy), SHOWN);
}

/** @param {HTMLButtonElement} button */
function wrapCode(button) {
  const wrapped = button.closest(".code")?.toggleAttribute("data-wrap") ?? false;
  button.ariaPressed = String(wrapped);
}

/** @param {HTMLElement} from @param {string} selector  of what is in the same answer */
function goTo(from, selector) {
  const there = /** @type {HTMLElement | null | undefined} */ (from.closest(".prose")?.querySelector(selector));
  there?.focus({ preventScroll: true });
  there?.scrollIntoView({ block: "nearest" });
}
