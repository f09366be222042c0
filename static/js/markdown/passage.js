// @ts-check
/** The text of one block on the page, which grows: what cannot change any more is neither read nor touched again. */

import { heal } from "./heal.js";
import { patch } from "./nodes.js";
import { Reader } from "./reader.js";

/** @typedef {import("./spans.js").Span} Span */

export class Passage {
  #element;
  /** Spans as they are drawn, a node for each. @type {Span[]} */
  #spans = [];
  /** How many at the beginning are settled, and the text that they are of. */
  #settled = 0;
  #before = "";
  /** The last of their nodes. @type {Node | null} */
  #last = null;
  /** What else they depend on. */
  #context = "";

  /** @param {HTMLElement} element  has nothing else inside */
  constructor(element) {
    this.#element = element;
  }

  /**
   * @param {string} text
   * @param {boolean} live  its end is being written
   * @param {import("./dom.js").Drawing} drawing
   */
  draw(text, live, { references, notes, growing, marks }) {
    const options = { math: true, bare: true, notes, growing };
    const context = `${references.size} ${notes.size} ${growing}`;
    if (context !== this.#context || !text.startsWith(this.#before)) {
      this.#context = context;
      this.#before = "";
      this.#settled = 0;
      this.#last = null;
    }
    const first = this.#settled;
    /** @type {Span[]} */
    const after = [];
    let reader = new Reader(text, this.#before.length, references, options);
    let rest = reader.read();
    for (; reader.over; rest = reader.read()) {
      append(after, rest);
      this.#settled += rest.length;
      this.#before = text.slice(0, reader.at);
    }
    const at = this.#before.length;
    const shown = live ? heal(text, at) : text;
    if (shown !== text) {
      reader = new Reader(shown, at, references, options);
      rest = [];
      while (reader.at < shown.length) append(rest, reader.read());
    }
    append(after, rest);
    patch(this.#element, this.#spans.slice(first), after, marks, this.#last);
    this.#spans.length = first;
    append(this.#spans, after);
    for (let n = first; n < this.#settled; n += 1) {
      this.#last = this.#last === null ? this.#element.firstChild : this.#last.nextSibling;
    }
  }
}

/** However many. @param {Span[]} spans @param {Span[]} more */
function append(spans, more) {
  for (const span of more) spans.push(span);
}
