// @ts-check
/** One element for each block. No HTML string exists anywhere. */

import { text as words } from "../text.js";

/** @typedef {import("./block.js").Block} Block */

/** @param {string} tag @param {string} [className] */
export function make(tag, className) {
  const element = document.createElement(tag);
  if (className) element.className = className;
  return element;
}

/** One that reads as its first letter does. @param {string} tag */
export function makeText(tag) {
  const element = make(tag);
  element.dir = "auto";
  return element;
}

/** Which element stands for a block: a block that is open may still become another (a heading, a table). @param {Block} block */
export function kindOf({ type, level, ordered, info, label }) {
  return `${type} ${level} ${ordered} ${info} ${label}`;
}

/** @param {Block} block @param {number} top  level of the text's first heading @returns {HTMLElement} */
export function elementFor(block, top) {
  switch (block.type) {
    case "quote":
      return make("blockquote");
    case "list": {
      const list = make(block.ordered ? "ol" : "ul");
      if (block.ordered && block.start !== 1) /** @type {HTMLOListElement} */ (list).start = block.start ?? 1;
      return list;
    }
    case "item":
      return make("li");
    case "note":
      return noteElement(block.label ?? "");
    case "heading": // the page itself has the first two levels; models like to begin with their second
      return makeText(`h${Math.min(Math.max((block.level ?? 1) - top, 0) + 3, 6)}`);
    case "rule":
      return make("hr");
    case "code":
      return codeElement(languageOf(block));
    case "math": {
      const box = make("div", "math");
      box.append(make("code"));
      return box;
    }
    case "table":
      return tableElement();
    case "row":
      return make("tr");
    default:
      return makeText("p");
  }
}

/** As written behind the fence. @param {Block} block */
export function languageOf({ info = "" }) {
  return /^[^\s{]*/.exec(info)?.[0] ?? "";
}

/** @param {string} language */
function codeElement(language) {
  const box = make("div", "code");
  const bar = make("div", "code__bar");
  const label = make("span", "code__language");
  label.textContent = language;
  bar.append(label, button("code__wrap", words.wrap), button("code__copy", words.copy));
  const pre = make("pre");
  pre.tabIndex = 0;
  pre.dir = "ltr";
  pre.append(make("code"));
  box.append(bar, pre);
  return box;
}

/** @param {string} className @param {string} label */
function button(className, label) {
  const made = /** @type {HTMLButtonElement} */ (make("button", className));
  made.type = "button";
  made.textContent = label;
  if (className === "code__wrap") made.ariaPressed = "false";
  return made;
}

function tableElement() {
  const box = make("div", "table");
  const scroller = make("div", "table__scroller");
  scroller.tabIndex = 0;
  scroller.role = "group";
  scroller.ariaLabel = words.table;
  const table = make("table");
  table.append(make("thead"), make("tbody"));
  scroller.append(table);
  box.append(scroller, button("table__copy", words.copyTable));
  return box;
}

const STRONG = /\p{L}/u;
const TASK = /^\[[ xX]?\]?/;
const RIGHT_TO_LEFT = /[\p{Script=Hebrew}\p{Script=Arabic}\p{Script=Syriac}\p{Script=Thaana}\p{Script=Nko}]/u;

/**
 * Which way a list, a table or a quotation reads: as its first letter does. A browser's own `auto` skips what is inside
 * of elements that have a `dir` themselves, as paragraphs do.
 *
 * @param {Block} block
 * @returns {"ltr" | "rtl" | ""}  "" while there is no letter at its beginning
 */
export function directionOf(block) {
  for (const text of [block.text, ...(block.cells ?? [])]) {
    const letter = STRONG.exec(text.replace(TASK, ""))?.[0];
    if (letter !== undefined) return RIGHT_TO_LEFT.test(letter) ? "rtl" : "ltr";
  }
  for (const child of block.children.slice(0, 3)) {
    const found = directionOf(child);
    if (found !== "") return found;
  }
  return "";
}

/** @param {string} label */
function noteElement(label) {
  const note = make("div", "footnote");
  note.role = "note";
  note.tabIndex = -1;
  note.dataset.note = label;
  const back = /** @type {HTMLButtonElement} */ (make("button", "footnote__back"));
  back.type = "button";
  back.textContent = label;
  back.ariaLabel = words.footnoteBack(label);
  const inside = make("div", "footnote__text");
  note.append(back, inside);
  return note;
}
