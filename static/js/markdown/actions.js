// @ts-check
/**
 * What a reader can do with prose: copy and wrap code, copy a table, go to a footnote and back. One listener serves all
 * of it.
 */

import { copyText } from "../copy.js";
import { rich } from "../selection.js";
import { written } from "./written.js";

/** @param {HTMLElement} log  the conversation */
export function serveProse(log) {
  log.addEventListener("click", ({ target }) => {
    if (!(target instanceof HTMLButtonElement)) return;
    const { className, dataset } = target;
    if (className === "code__copy")
      void copyText(target.closest(".code")?.querySelector("code")?.textContent ?? "", target);
    else if (className === "code__wrap") wrapCode(target);
    else if (className === "table__copy") copyTable(target);
    else if (className === "noteref") goTo(target, `[data-note="${CSS.escape(dataset.noteref ?? "")}"]`);
    else if (className === "footnote__back") {
      goTo(target, `[data-noteref="${CSS.escape(target.textContent ?? "")}"]`);
    }
  });
}

/** @param {HTMLButtonElement} button */
function wrapCode(button) {
  const wrapped = button.closest(".code")?.toggleAttribute("data-wrap") ?? false;
  button.ariaPressed = String(wrapped);
}

/** Rows and columns for spreadsheets and documents, Markdown for the rest. @param {HTMLButtonElement} button */
function copyTable(button) {
  const table = /** @type {HTMLElement} */ (button.previousElementSibling);
  void copyText(written(table), button, rich(table));
}

/** @param {HTMLElement} from @param {string} selector  of what is in the same answer */
function goTo(from, selector) {
  const there = /** @type {HTMLElement | null | undefined} */ (from.closest(".prose")?.querySelector(selector));
  there?.focus({ preventScroll: true });
  there?.scrollIntoView({ block: "nearest" });
}
