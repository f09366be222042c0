// @ts-check
/**
 * Markdown's block structure, line by line: text in, a tree of blocks out.
 *
 * Pure. The algorithm is the one of https://spec.commonmark.org/0.31.2/#appendix-a-parsing-strategy: a chain of open
 * blocks; each line continues some of them, closes the rest, and may open new ones. What is closed never changes again,
 * which is why an answer can be drawn while it is written. Tables and footnotes as in GitHub's dialect. Raw HTML does not
 * exist: it is text.
 *
 * A list is not rewritten when it turns out to be loose: it is a property of the list, for the style sheet.
 */

import { block, DEEPEST } from "./block.js";
import { Chain } from "./chain.js";
import { goesOn } from "./continuing.js";
import { openItem, takeTask } from "./items.js";
import { Line } from "./line.js";
import { cutReferences } from "./references.js";
import * as starts from "./starts.js";
import { matchTable, rowOf, splitRow } from "./table.js";

/** @typedef {import("./block.js").Block} Block */
/** @typedef {import("./references.js").References} References */

export class Blocks {
  /** Labels of the footnotes that there are. @type {Set<string>} */
  notes = new Set();
  /** The level of the first heading, or 0. */
  firstLevel = 0;
  #math;
  #notes;
  #chain = new Chain();
  #line = new Line("", 0);
  /** @type {Block | null} a block whose first line is not content */
  #usedUp = null;

  /** The document. */
  root = /** @type {Block} */ (this.#chain.open[0]);

  /** @param {{math?: boolean, notes?: boolean}} [dialect]  blocks of formulas; footnotes */
  constructor({ math = true, notes = true } = {}) {
    this.#math = math;
    this.#notes = notes;
  }

  /** @returns {References} */
  get references() {
    return this.#chain.references;
  }

  /** What has the next line is code or a formula between fences. */
  get inFence() {
    return this.#chain.open[this.#chain.open.length - 1]?.fence !== undefined;
  }

  /** A copy to try one line on: closed blocks are shared, open ones are not. @returns {Blocks} */
  fork() {
    const copy = new Blocks({ math: this.#math, notes: this.#notes });
    copy.notes = new Set(this.notes);
    copy.firstLevel = this.firstLevel;
    copy.#line = this.#line;
    copy.#chain = this.#chain.fork();
    copy.root = /** @type {Block} */ (copy.#chain.open[0]);
    return copy;
  }

  /** @param {string} line  without its end */
  add(line) {
    this.#line = new Line(line.replaceAll("\0", "\ufffd"), this.#line.number + 1);
    const matched = this.#continue();
    if (matched === null) return; // the line closed a fence
    const { tip } = this.#chain;
    let container = /** @type {Block} */ (this.#chain.open[matched]);
    const all = container === tip;
    // paragraphs and tables can be interrupted, code cannot
    if (container.type !== "code" && container.type !== "math") container = this.#start(container, matched);
    if (!all && container !== tip && this.#chain.open.includes(tip) && !this.#line.blank && tip.type === "paragraph") {
      this.#addText(tip); // a lazy continuation
      this.#chain.touch(this.#line.number);
      return;
    }
    this.#chain.closeBelow(container);
    if (container.type === "code" || container.type === "math" || container.type === "paragraph") {
      this.#addText(container);
    } else if (container.type === "table") {
      if (!this.#line.blank) container.children.push(rowOf(container, this.#line, this.#chain.trial));
    } else if (container.type === "heading" || container.type === "rule") {
      this.#chain.close();
    } else if (!this.#line.blank) {
      this.#addText(this.#chain.push(block("paragraph", this.#line.number)));
    }
    if (line.trim() !== "" || container.fence !== undefined) this.#chain.touch(this.#line.number);
  }

  /** No more lines come. */
  end() {
    while (this.#chain.open.length > 0) this.#chain.close();
  }

  // Private

  /** Which open blocks go on: the index of the innermost, or null when the line is used up. */
  #continue() {
    for (let n = 1; n < this.#chain.open.length; n += 1) {
      const open = /** @type {Block} */ (this.#chain.open[n]);
      const on = goesOn(open, this.#line);
      if (on === "ends") {
        this.#chain.touch(this.#line.number);
        this.#chain.closeBelow(open);
        this.#chain.close();
        return null;
      }
      if (!on) return n - 1;
    }
    return this.#chain.open.length - 1;
  }

  /**
   * Open what the line begins.
   *
   * @param {Block} container
   * @param {number} depth
   * @returns {Block} the innermost block that the line belongs to
   */
  #start(container, depth) {
    for (let current = container, fresh = false; ; fresh = true) {
      if (this.#line.blank) return current;
      if (this.#line.indent > 3) {
        const lazy = this.#chain.tip.type === "paragraph" && !fresh;
        if (lazy || current.type === "paragraph") return current;
        this.#chain.closeBelow(current);
        if (current.type === "table") this.#chain.close();
        this.#line.skipColumns(4);
        return this.#chain.push(block("code", this.#line.number));
      }
      if (!starts.special(this.#line.next)) return current;
      const begun = this.#startOne(current, this.#line.rest, depth);
      if (begun === null) return current;
      current = begun;
      if (current.type !== "quote" && current.type !== "item" && current.type !== "note") return current;
    }
  }

  /** @param {Block} container @param {string} rest @param {number} depth @returns {Block | null} */
  #startOne(container, rest, depth) {
    const tooDeep = this.#chain.open.length > DEEPEST;
    if (rest[0] === ">" && !tooDeep) {
      this.#chain.closeBelow(container);
      this.#line.skip(1);
      this.#line.skipOneSpace();
      return this.#chain.push(block("quote", this.#line.number));
    }
    if (container.type === "paragraph" && depth === this.#chain.open.length - 1) {
      const better = this.#underline(container, rest);
      if (better) return better;
    }
    const heading = starts.matchHeading(rest);
    if (heading) {
      this.firstLevel ||= heading.level;
      return this.#leaf(container, block("heading", this.#line.number, heading));
    }
    const fence = starts.matchFence(rest);
    if (fence) {
      const { indent } = this.#line;
      return this.#leaf(container, block("code", this.#line.number, { ...fence, indent }), true);
    }
    const formula = this.#math ? starts.matchFormula(rest) : null;
    if (formula) return this.#formula(container, formula);
    if (starts.isRule(rest)) return this.#leaf(container, block("rule", this.#line.number));
    if (tooDeep) return null;
    const note = this.#notes && container.type !== "paragraph" ? starts.matchNote(rest) : null;
    return note ? this.#note(container, note) : openItem(this.#chain, container, this.#line);
  }

  /** A block that has nothing inside, and all of this line. @param {Block} container @param {Block} leaf */
  #leaf(container, leaf, /** its first line is not content */ usedUp = false) {
    this.#chain.closeBelow(container);
    this.#line.skipAll();
    this.#chain.push(leaf);
    if (usedUp) {
      this.#chain.touch(this.#line.number);
      this.#usedUp = leaf;
    }
    return leaf;
  }

  /** A line below a paragraph that makes it a table or a heading. @param {Block} paragraph @param {string} rest */
  #underline(paragraph, rest) {
    const align = matchTable(paragraph.lastLine, rest);
    if (align) return this.#table(paragraph, align);
    const level = starts.matchUnderline(rest);
    if (level === 0) return null;
    paragraph.text = cutReferences(paragraph.text, this.#chain.references);
    if (paragraph.text.trim() === "") return null;
    this.firstLevel ||= level;
    Object.assign(paragraph, { type: "heading", to: this.#line.number, level, text: paragraph.text.trim() });
    this.#line.skipAll();
    return paragraph;
  }

  /** @param {Block} paragraph @param {(string | null)[]} align */
  #table(paragraph, align) {
    const header = paragraph.lastLine;
    const before = paragraph.text.slice(0, paragraph.text.length - header.length);
    let table = paragraph;
    if (before === "") Object.assign(table, { type: "table", text: "", align });
    else {
      paragraph.text = before;
      paragraph.to = this.#line.number - 2;
      this.#chain.close();
      table = this.#chain.push(block("table", this.#line.number - 1, { align }));
    }
    table.to = this.#line.number;
    const { number } = this.#line;
    table.children.push(
      block("row", number - 1, { open: false, tried: this.#chain.trial, align, cells: splitRow(header) }),
    );
    this.#line.skipAll();
    return table;
  }

  /** @param {Block} container @param {{fence: string, inside: string, whole: boolean}} match */
  #formula(container, { fence, inside, whole }) {
    const lines = inside === "" ? [] : [inside];
    const formula = this.#leaf(container, block("math", this.#line.number, { fence, lines }), true);
    if (whole) formula.fence = "";
    return formula;
  }

  /** @param {Block} container @param {{label: string, length: number}} note */
  #note(container, { label, length }) {
    this.#chain.closeBelow(container);
    if (container.type === "table") this.#chain.close();
    this.#line.skip(length);
    this.#line.skipSpace();
    this.notes.add(label);
    return this.#chain.push(block("note", this.#line.number, { label }));
  }

  /** @param {Block} leaf */
  #addText(leaf) {
    if (this.#usedUp === leaf) {
      this.#usedUp = null;
      if (leaf.fence === "") this.#chain.close(); // a formula on one line
      return;
    }
    if (leaf.type === "paragraph") {
      const first = leaf.text === "";
      leaf.lastLine = this.#line.rest;
      leaf.text += (first ? "" : "\n") + leaf.lastLine;
      if (first) takeTask(this.#chain, leaf);
    } else if (this.#chain.trial) leaf.growing = this.#line.tail;
    else leaf.lines.push(this.#line.tail);
  }
}
