// @ts-check
/**
 * Markdown's block structure, line by line: text in, a tree of blocks out.
 *
 * Pure. The algorithm is the one of https://spec.commonmark.org/0.31.2/#appendix-a-parsing-strategy: a chain of open
 * blocks; each line continues some of them, closes the rest, and may open new ones. What is closed never changes again,
 * which is why an answer can be drawn while it is written. Tables as in GitHub's dialect. Raw HTML does not exist: it is
 * text.
 *
 * A list is not rewritten when it turns out to be loose: it is a property of the list, for the style sheet.
 */

import { matchTable, splitRow } from "./table.js";
import { Line } from "./line.js";
import { cutReferences } from "./references.js";

/** @typedef {import("./references.js").References} References */

/**
 * @typedef {object} Block
 * @property {"document" | "quote" | "list" | "item" | "paragraph" | "heading" | "code" | "math" | "rule" | "table" | "row"} type
 * @property {Block[]} children
 * @property {boolean} open
 * @property {number} from  its first line
 * @property {number} to  its last line that is not blank
 * @property {string} text  a leaf's own text
 * @property {number} [level]  of a heading
 * @property {string} [info]  of fenced code
 * @property {string} [fence]  what closes fenced code; absent when it is indented
 * @property {number} [indent]  columns that a fence is indented by, or an item's content
 * @property {boolean} [ordered]
 * @property {number} [start]
 * @property {string} [marker]  what all items of a list have in common
 * @property {boolean} [loose]
 * @property {boolean | null} [checked]  of an item that is a task
 * @property {(string | null)[]} [align]  of a table's columns
 * @property {string[]} [cells]  of a row
 */

/** @param {Block["type"]} type @param {number} from @param {Partial<Block>} [rest] @returns {Block} */
function block(type, from, rest = {}) {
  return { type, children: [], open: true, from, to: from, text: "", ...rest };
}

const RULE = /^(?:(?:\*[ \t]*){3,}|(?:_[ \t]*){3,}|(?:-[ \t]*){3,})$/;
const HEADING = /^#{1,6}(?:[ \t]+|$)/;
const FENCE = /^(?:`{3,}(?!.*`)|~{3,})/;
const MATH = /^(?:\$\$|\\\[)/;
const BULLET = /^[*+-]/;
const NUMBER = /^(\d{1,9})([.)])/;
const SPECIAL = /^[#`~*+_=<>0-9$\\|:-]/;

export class Blocks {
  /** @type {Block} */
  root = block("document", 0);
  /** @type {References} */
  references = new Map();
  /** Formulas between `$$` or `\[ \]` are blocks of their own. */
  math;
  /** @type {Block[]} the chain of open blocks, outermost first */
  #open = [this.root];
  #number = 0;
  #line = new Line("", 0);

  /** @param {{math?: boolean}} [options] */
  constructor({ math = true } = {}) {
    this.math = math;
  }

  /** The chain of open blocks, outermost first. */
  get open() {
    return this.#open;
  }

  /** A copy to try a line on: closed blocks are shared, open ones are not. @returns {Blocks} */
  fork() {
    const copy = new Blocks({ math: this.math });
    copy.references = new Map(this.references);
    copy.#line = this.#line;
    copy.#open = this.#open.map((open) => ({ ...open, children: open.children.slice() }));
    for (let n = 1; n < copy.#open.length; n += 1) {
      const parent = /** @type {Block} */ (copy.#open[n - 1]);
      parent.children[parent.children.length - 1] = /** @type {Block} */ (copy.#open[n]);
    }
    copy.root = /** @type {Block} */ (copy.#open[0]);
    return copy;
  }

  /** @param {string} line  without its end */
  add(line) {
    this.#line = new Line(line.replaceAll("\0", "\ufffd"), this.#line.number + 1);
    const matched = this.#continue();
    if (matched === null) return; // the line closed a fence
    const tip = this.#tip;
    let container = /** @type {Block} */ (this.#open[matched]);
    const all = container === tip;
    // paragraphs and tables can be interrupted, code cannot
    if (container.type !== "code" && container.type !== "math") container = this.#start(container, matched);
    if (!all && container !== tip && this.#open.includes(tip) && !this.#line.blank && tip.type === "paragraph") {
      this.#addText(tip); // a lazy continuation
      this.#touch();
      return;
    }
    this.#closeBelow(container);
    if (container.type === "code" || container.type === "math" || container.type === "paragraph") {
      this.#addText(container);
    } else if (container.type === "table") {
      if (!this.#line.blank) this.#addRow(container);
    } else if (container.type === "heading" || container.type === "rule") {
      this.#close();
    } else if (!this.#line.blank) {
      this.#addText(this.#push(block("paragraph", this.#line.number)));
    }
    if (line.trim() !== "" || container.fence !== undefined) this.#touch();
  }

  /** No more lines come. */
  end() {
    while (this.#open.length > 0) this.#close();
  }

  // Private

  /** @returns {Block} */
  get #tip() {
    return /** @type {Block} */ (this.#open[this.#open.length - 1]);
  }

  /** Every open block has this line. */
  #touch() {
    for (const open of this.#open) open.to = this.#line.number;
  }

  /** Which open blocks go on: the index of the innermost, or null when the line is used up. */
  #continue() {
    for (let n = 1; n < this.#open.length; n += 1) {
      const open = /** @type {Block} */ (this.#open[n]);
      const goesOn = this.#goesOn(open);
      if (goesOn === null) return null;
      if (!goesOn) return n - 1;
    }
    return this.#open.length - 1;
  }

  /** @param {Block} open @returns {boolean | null} */
  #goesOn(open) {
    switch (open.type) {
      case "quote":
        if (this.#line.indent > 3 || this.#line.rest[0] !== ">") return false;
        this.#line.skip(1);
        this.#line.skipOneSpace();
        return true;
      case "item":
        if (this.#line.blank) {
          if (open.children.length === 0) return false;
          this.#line.skipSpace();
          return true;
        }
        if (this.#line.indent < (open.indent ?? 0)) return false;
        this.#line.skipColumns(open.indent ?? 0);
        return true;
      case "code":
        return open.fence === undefined ? this.#indentedGoesOn() : this.#fenceGoesOn(open);
      case "math":
        return this.#mathGoesOn(open);
      case "paragraph":
      case "table":
        return !this.#line.blank;
      case "heading":
      case "rule":
      case "row":
        return false;
      default:
        return true;
    }
  }

  #indentedGoesOn() {
    if (!this.#line.blank && this.#line.indent < 4) return false;
    this.#line.skipColumns(4);
    return true;
  }

  /** @param {Block} open @returns {boolean | null} */
  #fenceGoesOn(open) {
    const fence = /** @type {string} */ (open.fence);
    const rest = this.#line.rest.trimEnd();
    if (this.#line.indent < 4 && rest.length >= fence.length && rest === fence[0]?.repeat(rest.length)) {
      this.#touch();
      this.#closeBelow(open);
      this.#close();
      return null;
    }
    this.#line.skipColumns(Math.min(open.indent ?? 0, this.#line.indent));
    return true;
  }

  /** @param {Block} open @returns {boolean | null} */
  #mathGoesOn(open) {
    const end = /** @type {string} */ (open.fence);
    const rest = this.#line.rest.trimEnd();
    if (!rest.endsWith(end)) return true;
    open.text += `${rest.slice(0, -end.length)}\n`;
    this.#touch();
    this.#closeBelow(open);
    this.#close();
    return null;
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
        const lazy = this.#tip.type === "paragraph" && !fresh;
        if (lazy || current.type === "paragraph") return current;
        this.#closeBelow(current);
        if (current.type === "table") this.#close();
        this.#line.skipColumns(4);
        return this.#push(block("code", this.#line.number));
      }
      if (!SPECIAL.test(this.#line.rest)) return current;
      const begun = this.#startOne(current, this.#line.rest, depth);
      if (begun === null) return current;
      current = begun;
      if (current.type !== "quote" && current.type !== "item") return current;
    }
  }

  /**
   * @param {Block} container
   * @param {string} rest
   * @param {number} depth
   * @returns {Block | null}
   */
  #startOne(container, rest, depth) {
    if (rest[0] === ">") {
      this.#closeBelow(container);
      this.#line.skip(1);
      this.#line.skipOneSpace();
      return this.#push(block("quote", this.#line.number));
    }
    if (container.type === "paragraph" && depth === this.#open.length - 1) {
      const better = this.#underline(container, rest);
      if (better) return better;
    }
    if (HEADING.test(rest)) return this.#heading(container, rest);
    const fence = FENCE.exec(rest)?.[0];
    if (fence) return this.#fence(container, rest, fence);
    if (this.math && MATH.test(rest)) return this.#formula(container, rest);
    if (RULE.test(rest.trimEnd())) {
      this.#closeBelow(container);
      this.#line.skipAll();
      return this.#push(block("rule", this.#line.number));
    }
    return this.#item(container, rest);
  }

  /** A line below a paragraph that makes it a table or a heading. @param {Block} paragraph @param {string} rest */
  #underline(paragraph, rest) {
    const table = matchTable(paragraph.text, rest);
    if (table) return this.#table(paragraph, table);
    const level = /^=+[ \t]*$/.test(rest) ? 1 : /^-+[ \t]*$/.test(rest) ? 2 : 0;
    if (level === 0) return null;
    paragraph.text = cutReferences(paragraph.text, this.references);
    if (paragraph.text.trim() === "") return null;
    paragraph.type = "heading";
    paragraph.to = this.#line.number;
    paragraph.level = level;
    paragraph.text = paragraph.text.trim();
    this.#line.skipAll();
    return paragraph;
  }

  /** @param {Block} paragraph @param {{header: string, align: (string | null)[]}} table */
  #table(paragraph, { header, align }) {
    const before = paragraph.text.slice(0, paragraph.text.length - header.length);
    if (before === "") {
      paragraph.type = "table";
      paragraph.text = "";
      paragraph.align = align;
    } else {
      paragraph.text = before;
      paragraph.to = this.#line.number - 2;
      this.#close();
      paragraph = this.#push(block("table", this.#line.number - 1, { align }));
    }
    paragraph.to = this.#line.number;
    paragraph.children.push(block("row", this.#line.number - 1, { open: false, align, cells: splitRow(header) }));
    this.#line.skipAll();
    return paragraph;
  }

  /** @param {Block} table */
  #addRow(table) {
    const columns = table.align?.length ?? 0;
    const cells = splitRow(this.#line.rest).slice(0, columns);
    while (cells.length < columns) cells.push("");
    table.children.push(block("row", this.#line.number, { open: false, align: table.align, cells }));
  }

  /** @param {Block} container @param {string} rest */
  #heading(container, rest) {
    this.#closeBelow(container);
    const level = /** @type {RegExpExecArray} */ (/^#+/.exec(rest))[0].length;
    const text = rest
      .slice(level)
      .replace(/^[ \t]*#+[ \t]*$/, "")
      .replace(/[ \t]+#+[ \t]*$/, "")
      .trim();
    this.#line.skipAll();
    return this.#push(block("heading", this.#line.number, { level, text }));
  }

  /** @param {Block} container @param {string} rest @param {string} fence */
  #fence(container, rest, fence) {
    this.#closeBelow(container);
    const indent = this.#line.indent;
    this.#line.skipAll();
    return this.#push(block("code", this.#line.number, { fence, indent, info: rest.slice(fence.length).trim() }), true);
  }

  /** @param {Block} container @param {string} rest */
  #formula(container, rest) {
    const end = rest.startsWith("$$") ? "$$" : "\\]";
    const inside = rest.slice(2).trimEnd();
    if (inside.includes(end) && !inside.endsWith(end)) return null; // a formula in a sentence
    this.#closeBelow(container);
    this.#line.skipAll();
    const formula = this.#push(block("math", this.#line.number, { fence: end }), true);
    if (inside.endsWith(end)) {
      formula.text = inside.slice(0, -end.length);
      formula.fence = "";
    } else if (inside !== "") formula.text = `${inside}\n`;
    return formula;
  }

  /** @param {Block} container @param {string} rest */
  #item(container, rest) {
    const number = NUMBER.exec(rest);
    const marker = number?.[0] ?? BULLET.exec(rest)?.[0];
    if (marker === undefined) return null;
    const after = rest.slice(marker.length);
    if (after !== "" && after[0] !== " " && after[0] !== "\t") return null;
    const empty = after.trim() === "";
    const start = number ? Number(number[1]) : 1;
    const interrupts = container.type === "paragraph";
    if (interrupts && (empty || start !== 1)) return null;

    const kind = number ? /** @type {string} */ (number[2]) : marker;
    this.#closeBelow(container);
    if (container.type === "paragraph" || container.type === "table") this.#close();
    const parent = this.#tip;
    const indent = this.#line.indent;
    this.#line.skip(marker.length);
    let width = marker.length + this.#line.indent;
    if (empty || this.#line.indent > 4) {
      width = marker.length + 1;
      this.#line.skipOneSpace();
    } else this.#line.skipSpace();

    if (parent.type !== "list" || parent.marker !== kind) {
      if (parent.type === "list") this.#close();
      this.#push(block("list", this.#line.number, { ordered: number !== null, start, marker: kind, loose: false }));
    }
    return this.#push(block("item", this.#line.number, { indent: indent + width }));
  }

  /** @param {Block} child @param {boolean} [onlyLine]  nothing of this line is its content @returns {Block} */
  #push(child, onlyLine = false) {
    let parent = this.#tip;
    while (!holds(parent, child)) {
      this.#close();
      parent = this.#tip;
    }
    const before = parent.children[parent.children.length - 1];
    if (before && child.from > before.to + 1) this.#loosen(parent);
    parent.children.push(child);
    this.#open.push(child);
    if (onlyLine) {
      this.#touch();
      this.#usedUp = child;
    }
    return child;
  }

  /** @type {Block | null} a block whose first line is not content */
  #usedUp = null;

  /** A blank line between two items, or between two blocks of an item, makes the list loose. @param {Block} parent */
  #loosen(parent) {
    const list = parent.type === "list" ? parent : this.#open[this.#open.indexOf(parent) - 1];
    if (list?.type === "list" && (parent.type === "list" || parent.type === "item")) list.loose = true;
  }

  /** @param {Block} leaf */
  #addText(leaf) {
    if (this.#usedUp === leaf) {
      this.#usedUp = null;
      if (leaf.fence === "") this.#close(); // a formula on one line
      return;
    }
    if (leaf.type === "paragraph") {
      leaf.text += (leaf.text === "" ? "" : "\n") + this.#line.rest;
      if (!leaf.text.includes("\n")) this.#task(leaf);
      return;
    }
    leaf.text += `${this.#line.tail}\n`;
  }

  /** @param {Block} container */
  #closeBelow(container) {
    while (this.#tip !== container && this.#open.includes(container)) this.#close();
  }

  #close() {
    const closed = /** @type {Block} */ (this.#open.pop());
    closed.open = false;
    const parent = this.#open[this.#open.length - 1];
    if (closed.type === "paragraph") {
      closed.text = cutReferences(closed.text, this.references).trimEnd();
      if (closed.text === "") parent?.children.pop();
    } else if (closed.type === "code" && closed.fence === undefined) {
      closed.text = closed.text.replace(/\n(?:[ \t]*\n)+$/, "\n");
    }
  }

  /** `[ ]` and `[x]` at the beginning of an item. @param {Block} paragraph */
  #task(paragraph) {
    const item = this.#open[this.#open.length - 2];
    if (item?.type !== "item" || item.children[0] !== paragraph) return;
    const box = /^\[([ xX])\][ \t]+(?=\S)/.exec(paragraph.text);
    if (!box) return;
    item.checked = box[1] !== " ";
    paragraph.text = paragraph.text.slice(box[0].length);
  }
}

/** @param {Block} parent @param {Block} child */
function holds(parent, child) {
  if (parent.type === "list") return child.type === "item";
  return ["document", "quote", "item"].includes(parent.type) && child.type !== "item";
}
