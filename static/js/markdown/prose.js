// @ts-check
/**
 * A Markdown text that grows on the page.
 *
 * Whole lines go into the block structure for good; the line that is still being written is tried on a copy. So the page
 * after the last piece is the same however the text was cut into pieces.
 */

import { Blocks } from "./blocks.js";
import { drawChildren } from "./dom.js";
import { undecided } from "./heal.js";

/** @typedef {import("./blocks.js").Block} Block */

/** Two code points that are no characters stand around a mark's number; a text that contains them loses them. */
const NO_CHARACTERS = /[\ufdd0\ufdd1]/g;

export class Prose {
  element;
  #blocks = new Blocks();
  #line = "";
  /** @type {Node[]} */
  #marks = [];
  /** Marks that found no place yet. */
  #pending = "";
  #changed = false;
  #drawn;

  /** @param {HTMLElement} element */
  constructor(element) {
    this.element = element;
    this.#drawn = {
      block: this.#blocks.root,
      kind: "",
      element,
      inside: element,
      children: [],
      settled: false,
      text: "",
      spans: [],
    };
  }

  /** More text; seen after the next `draw`. @param {string} text */
  push(text) {
    this.#append(text.replace(NO_CHARACTERS, "\ufffd"));
  }

  /** Put something of ours behind what was written so far. @param {Node} node */
  mark(node) {
    const mark = `\ufdd0${this.#marks.push(node) - 1}\ufdd1`;
    // at the beginning of a line it would hide from Markdown what begins there
    if (!undecided(this.#line, false)) this.#append(mark);
    else {
      this.#pending += mark;
      this.#changed = true;
    }
  }

  /** Bring the page up to date: once per frame, however many pieces came. */
  draw() {
    if (!this.#changed) return;
    this.#changed = false;
    let blocks = this.#blocks;
    const inFence = this.#inFence;
    const trying = !undecided(this.#line, inFence);
    if (trying) {
      blocks = blocks.fork();
      blocks.add(inFence ? this.#line : this.#line + this.#pending);
    }
    const { root, references } = blocks;
    const leaf = lastLeaf(root);
    const live = trying || leaf.open ? leaf : null;
    const top = firstLevel(root);
    drawChildren(this.#drawn, root.children, { references, marks: this.#marks, live, top, again: false });
  }

  /** No more text comes. */
  end() {
    if (this.#line !== "" || this.#pending !== "") this.#blocks.add(this.#line + this.#pending);
    this.#line = this.#pending = "";
    this.#blocks.end();
    const { root, references } = this.#blocks;
    // a definition may have come after its use
    drawChildren(this.#drawn, root.children, {
      references,
      marks: this.#marks,
      live: null,
      top: firstLevel(root),
      again: references.size > 0,
    });
    this.#changed = false;
  }

  get #inFence() {
    return this.#blocks.open[this.#blocks.open.length - 1]?.fence !== undefined;
  }

  /** @param {string} text */
  #append(text) {
    this.#changed = true;
    const lines = (this.#line + text).split("\n");
    this.#line = lines.pop() ?? "";
    for (const line of lines) {
      const whole = line.replace(/\r$/, "");
      const takesMarks = this.#pending !== "" && !undecided(whole, false) && !this.#inFence;
      this.#blocks.add(takesMarks ? whole + this.#pending : whole);
      if (takesMarks) this.#pending = "";
    }
  }
}

/** @param {Block} block @returns {Block} */
function lastLeaf(block) {
  const last = block.children[block.children.length - 1];
  return last ? lastLeaf(last) : block;
}

/** The level of the first heading: the others are counted from it. @param {Block} block @returns {number} */
function firstLevel({ type, level, children }) {
  if (type === "heading") return level ?? 1;
  for (const child of children) {
    const found = child.type === "paragraph" || child.type === "code" ? 0 : firstLevel(child);
    if (found > 0) return found;
  }
  return 0;
}
