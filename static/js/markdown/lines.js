// @ts-check
/** Code and formulas on the page: text that only grows, drawn in time linear in its length. */

import { withoutBlankEnd } from "./block.js";
import { make } from "./elements.js";

/** @typedef {import("./block.js").Block} Block */

/** characters: laid out in parts of about this size, so that a long text does not get dearer with each line */
const PART = 2000;
const MARKS = /\ufdd0\d+\ufdd1/g;

export class Lines {
  #element;
  /** The line that was drawn last, and what of it. */
  #line = -1;
  #drawn = "";
  /** @type {Text | null} */
  #text = null;
  /** Characters in the last part. */
  #length = 0;

  /** @param {HTMLElement} element  a <code> */
  constructor(element) {
    this.#element = element;
  }

  /** @param {Block} block */
  draw({ type, fence, open, tried, lines, growing }) {
    // blank lines belong to indented code only when more of it follows
    const cautious = type === "code" && fence === undefined && (open || tried);
    const hold = cautious && (growing ?? "").trim() === "";
    const count = hold ? withoutBlankEnd(lines) : lines.length;
    const last = growing === null || growing === "" || hold ? count - 1 : count;
    /** @param {number} n */
    const lineAt = (n) => (n < count ? (lines[n] ?? "") : (growing ?? "")).replace(MARKS, "");
    while (this.#line > last) this.#undo(this.#line > 0 ? lineAt(this.#line - 1) : "");
    for (let n = Math.max(this.#line, 0); n <= last; n += 1) this.#drawLine(n, lineAt(n));
  }

  /** @param {number} n @param {string} line */
  #drawLine(n, line) {
    if (n !== this.#line) {
      this.#append(n > 0 ? `\n${line}` : line);
    } else if (line.startsWith(this.#drawn)) {
      this.#append(line.slice(this.#drawn.length));
    } else {
      // what was tried has become something else
      this.#cut(this.#drawn.length);
      this.#append(line);
    }
    this.#line = n;
    this.#drawn = line;
  }

  /** @param {string} more  at most one line end, at its beginning */
  #append(more) {
    if (more === "") return;
    if (more.startsWith("\n") && this.#length > PART) {
      this.#text?.appendData("\n"); // each part ends with its line end: parts are blocks
      more = more.slice(1);
      this.#text = null;
    }
    if (this.#text === null) {
      this.#text = new Text();
      this.#length = 0;
      const part = make("span", "code__part");
      part.append(this.#text);
      this.#element.append(part);
    }
    this.#text.appendData(more);
    this.#length += more.length;
  }

  /** Take the last line back: what was tried is none. @param {string} before  the line that is the last then */
  #undo(before) {
    this.#cut(this.#drawn.length);
    if (this.#text?.length === 0) {
      this.#text.parentElement?.remove();
      this.#text = /** @type {Text | null} */ (this.#element.lastChild?.lastChild ?? null);
      this.#length = this.#text?.length ?? 0;
    }
    this.#cut(1); // the line end
    this.#line -= 1;
    this.#drawn = before;
  }

  /** @param {number} count  characters at the end of the last part */
  #cut(count) {
    const cut = Math.min(count, this.#text?.length ?? 0);
    this.#text?.deleteData(this.#text.length - cut, cut);
    this.#length -= cut;
  }
}
