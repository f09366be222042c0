// @ts-check
/** Spans as nodes, one for each, brought up to date instead of built again. */

import { text as words } from "../text.js";
import { make } from "./elements.js";
import { whenNear } from "./idle.js";

/** @typedef {import("./spans.js").Span} Span */

const ALLOWED = /^(?:https?:\/\/|mailto:|#)/i;
const HOLDERS = new Set(["em", "strong", "del", "link"]);

/**
 * Nodes of spans that did not change stay.
 *
 * @param {Element} parent
 * @param {Span[]} before
 * @param {Span[]} after
 * @param {Node[]} marks
 * @param {Node | null} [last]  of those that stay as they are, and stand before both
 */
export function patch(parent, before, after, marks, last = null) {
  let n = 0;
  for (; n < after.length && n < before.length; n += 1) {
    const was = /** @type {Span} */ (before[n]);
    const is = /** @type {Span} */ (after[n]);
    /** @type {Node | null} */
    const node = last ? last.nextSibling : parent.firstChild; // by an index the browser would count all of them
    if (node === null || !fits(was, is)) break;
    if (was.text !== is.text) {
      const changed = is.type === "text" ? node : node.firstChild;
      retext(/** @type {Text} */ (changed), was.text, is.text);
    }
    if (HOLDERS.has(is.type)) patch(/** @type {Element} */ (node), was.children, is.children, marks);
    last = node;
  }
  while (parent.lastChild !== last) parent.lastChild?.remove();
  for (const span of after.slice(n)) parent.append(nodeFor(span, marks));
}

/** The node of one can become that of the other. @param {Span} was @param {Span} is */
function fits(was, is) {
  if (was.type !== is.type || was.href !== is.href || was.title !== is.title) return false;
  if (is.type === "image") return plain([was]) === plain([is]);
  if (is.type === "mark" || is.type === "note" || is.type === "math") {
    return was.text === is.text && was.display === is.display;
  }
  return true;
}

/** @param {Text} node @param {string} was @param {string} is */
function retext(node, was, is) {
  if (is.startsWith(was)) node.appendData(is.slice(was.length));
  else node.data = is;
}

/** @param {Span} span @param {Node[]} marks @returns {Node} */
function nodeFor(span, marks) {
  switch (span.type) {
    case "text":
      return new Text(span.text);
    case "soft":
      return new Text("\n");
    case "break":
      return make("br");
    case "mark":
      return marks[Number(span.text)] ?? new Text();
    case "note":
      return reference(span.text);
    case "math":
      return formula(span);
    case "code": {
      const code = make("code");
      code.append(new Text(span.text));
      return code;
    }
    case "image":
      return image(span);
    default: {
      const element = span.type === "link" ? link(span) : make(span.type);
      for (const child of span.children) element.append(nodeFor(child, marks));
      return element;
    }
  }
}

/** Only addresses that cannot do anything but be visited. @param {Span} span */
function link({ href = "", title = "" }) {
  if (!ALLOWED.test(href)) {
    const refused = make("span", "refused");
    refused.title = href;
    return refused;
  }
  const anchor = /** @type {HTMLAnchorElement} */ (make("a"));
  anchor.href = href;
  if (title) anchor.title = title;
  if (!href.startsWith("#")) {
    anchor.target = "_blank";
    anchor.rel = "noopener noreferrer";
  }
  return anchor;
}

/** Never loaded: an address in an answer can carry the conversation away. @param {Span} span */
function image(span) {
  const chip = link(span);
  chip.classList.add("image");
  const alt = plain(span.children);
  chip.append(new Text(alt || span.href || words.image));
  chip.title = (alt && span.href) || ""; // the style sheet shows it behind the words
  return chip;
}

/** @param {Span} span */
function formula({ text, display = false }) {
  const element = make("span", "math");
  if (display) element.dataset.display = "";
  const code = make("code");
  code.append(new Text(text));
  element.append(code);
  whenNear(element, (finish) => finish.typeset(element, display));
  return element;
}

/** The number in the text that leads to a footnote. @param {string} label */
function reference(label) {
  const number = /** @type {HTMLButtonElement} */ (make("button", "noteref"));
  number.type = "button";
  number.textContent = label;
  number.dataset.noteref = label;
  number.ariaLabel = words.footnote(label);
  return number;
}

/** @param {Span[]} spans @returns {string} */
function plain(spans) {
  return spans.map((span) => (span.type === "mark" ? "" : span.text + plain(span.children))).join("");
}
