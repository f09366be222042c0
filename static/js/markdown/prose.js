// @ts-check
/**
 * A Markdown text that grows on the page.
 *
 * Whole lines go into the block structure for good; the line that is still being written is tried on a copy. So the page
 * after the last piece is the same however the text was cut into pieces.
 */

import { Blocks } from "./blocks.js";
import { drawChildren, drawnAs } from "./dom.js";
import { undecided } from "./heal.js";

/** @typedef {import("./block.js").Block} Block */

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
  #ended = false;
  #drawn;
  /** @type {HTMLElement | null} the block that has the end of the text, while more of it comes */
  #last = null;

  /** @param {HTMLElement} element */
  constructor(element) {
    this.element = element;
    this.#drawn = drawnAs(this.#blocks.root, element);
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
    const inFence = this.#blocks.inFence;
    const trying = !undecided(this.#line, inFence);
    if (trying) {
      blocks = blocks.fork();
      blocks.add(inFence ? this.#line : this.#line + this.#pending);
    }
    const leaf = lastLeaf(blocks.root);
    this.#show(blocks, trying || leaf.open ? leaf : null);
  }

  /** No more text comes. */
  end() {
    if (this.#line !== "" || this.#pending !== "") this.#blocks.add(this.#line + this.#pending);
    this.#line = this.#pending = "";
    this.#blocks.end();
    this.#ended = true;
    this.#show(this.#blocks, null);
    this.#changed = false;
  }

  /** @param {Blocks} blocks @param {Block | null} live */
  #show({ root, references, notes, firstLevel }, live) {
    drawChildren(this.#drawn, root.children, {
      references,
      notes,
      marks: this.#marks,
      live,
      top: firstLevel,
      growing: !this.#ended,
      // a definition may have come after its use, and what looked like a footnote may be none
      again: this.#ended && (references.size > 0 || notes.size > 0 || this.element.querySelector(".noteref") !== null),
    });
    this.#pointAt(this.#ended ? null : lastDrawn(this.#drawn));
  }

  /** Say where the next word will appear. @param {import("./dom.js").Drawn | null} last */
  #pointAt(last) {
    const element = last?.element ?? null;
    if (element === this.#last) return;
    this.#last?.removeAttribute("data-last");
    this.#last = last?.settled ? null : element; // nothing is written into what is settled
    this.#last?.setAttribute("data-last", "");
  }

  /** @param {string} text */
  #append(text) {
    this.#changed = true;
    const [first = "", ...more] = text.split("\n");
    const lines = [this.#line + first, ...more];
    this.#line = lines.pop() ?? "";
    for (const line of lines) {
      const whole = line.replace(/\r$/, "");
      const takesMarks = this.#pending !== "" && !undecided(whole, false) && !this.#blocks.inFence;
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

/** @param {import("./dom.js").Drawn} drawn @returns {import("./dom.js").Drawn} */
function lastDrawn(drawn) {
  const last = drawn.children[drawn.children.length - 1];
  return last ? lastDrawn(last) : drawn;
}
