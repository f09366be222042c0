// @ts-check
/** The tree that a text makes inside one block, and the chain that it is made from. Pure. */

/**
 * @typedef {object} Span
 * @property {"text" | "code" | "math" | "em" | "strong" | "del" | "link" | "image" | "soft" | "break" | "note" | "mark"} type
 * @property {string} text  of text, code and formulas; a footnote's label; a mark's number
 * @property {Span[]} children
 * @property {number} depth  how many levels of spans there are inside
 * @property {string} [href]
 * @property {string} [title]
 * @property {boolean} [display]  a formula on its own
 */

/** @param {Span["type"]} type @param {string} [text] @param {Partial<Span>} [rest] @returns {Span} */
export const span = (type, text = "", rest = {}) => ({ type, text, children: [], depth: 0, ...rest });

/** A span in a chain, so that emphasis can be put around what stands there already. */
export class Cell {
  /** @type {Cell | null} */
  before = null;
  /** @type {Cell | null} */
  after = null;
  /** @param {Span} content */
  constructor(content) {
    this.span = content;
  }
}

/** The chain that is being made. */
export class Cells {
  #head = new Cell(span("text"));
  /** Its end. */
  last = this.#head;

  /** All of it. */
  get first() {
    return this.#head.after;
  }

  /** @param {Span} what */
  push(what) {
    const cell = new Cell(what);
    cell.before = this.last;
    this.last.after = cell;
    this.last = cell;
  }

  /** Without that one and what follows. @param {Cell} cell */
  cut({ before }) {
    this.last = /** @type {Cell} */ (before);
    this.last.after = null;
  }
}

/** @param {Cell | null} cell @returns {Span[]} from there to the end, with neighbouring texts joined */
export function collect(cell) {
  /** @type {Span[]} */
  const spans = [];
  for (; cell; cell = cell.after) {
    const last = spans[spans.length - 1];
    if (cell.span.type !== "text") spans.push(cell.span);
    else if (cell.span.text === "") continue;
    else if (last?.type === "text") last.text += cell.span.text;
    else spans.push({ ...cell.span });
  }
  return spans;
}

/** How many levels there are in a span around these. @param {Span[]} children */
export const depthOf = (children) => children.reduce((most, { depth }) => Math.max(most, depth + 1), 1);
