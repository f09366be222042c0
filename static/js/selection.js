// @ts-check
/**
 * What a selection is when it is copied. Words within one paragraph are words. What spans several blocks goes out as
 * Markdown, with lists, tables, code and formulas; for programs that take rich text, as plain elements without the
 * page's colours.
 */

import { written } from "./markdown/written.js";

/** In these a selection is text, and the browser knows best. */
const LEAVES = "p, h3, h4, h5, h6, th, td, pre, .prompt__text, .thinking__text, .tool, form";
/** What is the page's, and nobody's words. */
const CONTROLS = "button, input, .code__bar, .cite, .seam";
const KEPT = /^(href|start)$/;

/** @param {HTMLElement} log  the conversation */
export function serveCopying(log) {
  log.addEventListener("copy", (event) => {
    const selection = getSelection();
    const found = selection && !selection.isCollapsed ? selected(selection.getRangeAt(0)) : [];
    if (found.length === 0 || !event.clipboardData) return;
    event.clipboardData.setData("text/plain", found.map(said).join("\n\n"));
    event.clipboardData.setData("text/html", found.map(rich).join(""));
    event.preventDefault();
  });
}

/** The prose and the questions in a selection, as copies; none when it is not for us. @param {Range} range @returns {HTMLElement[]} */
function selected(range) {
  const { commonAncestorContainer: common } = range;
  const within = common instanceof HTMLElement ? common : common.parentElement;
  if (!within || (within.closest(LEAVES) && !range.cloneContents().querySelector(".math"))) return [];
  let part = /** @type {Node} */ (range.cloneContents());
  const prose = within.closest(".prose");
  for (let around = prose && within; around && around !== prose?.parentElement; around = around.parentElement) {
    const shell = around.cloneNode(false);
    shell.appendChild(part);
    part = shell;
  }
  const holder = document.createElement("div");
  holder.append(part);
  count(holder, range.startContainer);
  return [...holder.querySelectorAll(/** @type {"div"} */ (".prose, .prompt__text"))];
}

/** A list that is selected from its third item on goes on counting from three. @param {HTMLElement} part @param {Node} start */
function count(part, start) {
  const item = (start instanceof Element ? start : start.parentElement)?.closest("li");
  const list = part.querySelector("ol");
  const whole = item?.parentElement;
  if (list && item && whole instanceof HTMLOListElement) list.start = whole.start + [...whole.children].indexOf(item);
}

/** @param {HTMLElement} part */
const said = (part) => (part.matches(".prose") ? written(part) : (part.textContent ?? ""));

/** As other programs take it. @param {HTMLElement} part @returns {string} HTML */
export const rich = (part) => new XMLSerializer().serializeToString(plain(part));

/** Nothing but elements and words. @param {HTMLElement} part */
export function plain(part) {
  const copy = /** @type {HTMLElement} */ (part.cloneNode(true));
  for (const formula of copy.querySelectorAll(".math")) {
    formula.textContent = (formula.querySelector("annotation") ?? formula).textContent;
  }
  for (const control of copy.querySelectorAll(CONTROLS)) control.remove();
  for (const element of [copy, ...copy.querySelectorAll("*")]) {
    for (const name of element.getAttributeNames()) if (!KEPT.test(name)) element.removeAttribute(name);
  }
  return copy;
}
