// @ts-check
/**
 * What a reader can do with prose: copy and wrap code, copy a table, go to a footnote and back, or to a heading that a
 * list of contents names. One listener serves all of it.
 */

import { copyText } from "../copy.js";
import { rich } from "../selection.js";
import { written } from "./written.js";

/** @param {HTMLElement} log  the conversation */
export function serveProse(log) {
  log.addEventListener("click", (event) => {
    const { target } = event;
    const link = target instanceof Element && target.closest(/** @type {"a"} */ (".prose a[href^='#']"));
    if (link) {
      event.preventDefault(); // what stands behind the page's own address is the conversation
      return goTo(headingOf(link), "start");
    }
    if (!(target instanceof HTMLButtonElement)) return;
    const { className, dataset } = target;
    if (className === "code__copy")
      void copyText(target.closest(".code")?.querySelector("code")?.textContent ?? "", target);
    else if (className === "code__wrap") wrapCode(target);
    else if (className === "table__copy") copyTable(target);
    else if (className === "noteref") goTo(inSame(target, `[data-note="${CSS.escape(dataset.noteref ?? "")}"]`));
    else if (className === "footnote__back") {
      goTo(inSame(target, `[data-noteref="${CSS.escape(target.textContent ?? "")}"]`));
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

/** @param {HTMLElement} from @param {string} selector  of what is in the same text @returns {HTMLElement | null | undefined} */
const inSame = (from, selector) => from.closest(".prose")?.querySelector(selector);

/** What a heading and the link to it have in common, by whichever rule the link was made. @param {string | null} words */
const bare = (words) => words?.toLowerCase().replace(/[^\p{L}\p{M}\p{N}]/gu, "") ?? "";

/** The heading of the same answer that a link like `#first-steps` means. @param {HTMLAnchorElement} link */
function headingOf(link) {
  const name = bare(decoded(link.hash));
  const headings = link.closest("article")?.querySelectorAll(/** @type {"h3"} */ (".prose :is(h3, h4, h5, h6)"));
  const heading = [...(headings ?? [])].find(({ textContent }) => name && bare(textContent) === name);
  if (heading) heading.tabIndex = -1;
  return heading;
}

/** @param {string} hash */
function decoded(hash) {
  try {
    return decodeURIComponent(hash);
  } catch {
    return hash; // Claude wrote it
  }
}

/** @param {HTMLElement | null | undefined} there @param {ScrollLogicalPosition} [block] */
function goTo(there, block = "nearest") {
  there?.focus({ preventScroll: true });
  there?.scrollIntoView({ block });
}
