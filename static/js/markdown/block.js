// @ts-check
/** The tree that a text's lines make. Pure. */

/**
 * @typedef {object} Block
 * @property {"document" | "quote" | "list" | "item" | "note" | "paragraph" | "heading" | "code" | "math" | "rule" | "table" | "row"} type
 * @property {Block[]} children
 * @property {boolean} open
 * @property {boolean} tried  made by a line that may still grow: not for good
 * @property {number} from  its first line
 * @property {number} to  its last line that is not blank
 * @property {string} text  of a paragraph or a heading
 * @property {string} lastLine  of a paragraph
 * @property {string[]} lines  of code and formulas
 * @property {string | null} growing  of code and formulas: the line after those, which may still grow
 * @property {number} [level]  of a heading
 * @property {string} [info]  of fenced code
 * @property {string} [fence]  what closes fenced code; absent when it is indented
 * @property {number} [indent]  columns that a fence is indented by, or an item's content
 * @property {boolean} [ordered]
 * @property {number} [start]
 * @property {string} [marker]  what all items of a list have in common
 * @property {boolean} [loose]
 * @property {boolean | null} [checked]  of an item that is a task
 * @property {string} [label]  of a footnote
 * @property {(string | null)[]} [align]  of a table's columns
 * @property {string[]} [cells]  of a row
 */

/** Blocks inside blocks, spans inside spans: more than anybody writes, less than a browser's stack. */
export const DEEPEST = 100;

/** @param {Block["type"]} type @param {number} from @param {Partial<Block>} [rest] @returns {Block} */
export function block(type, from, rest = {}) {
  return {
    type,
    children: [],
    open: true,
    tried: false,
    from,
    to: from,
    text: "",
    lastLine: "",
    lines: [],
    growing: null,
    ...rest,
  };
}

/** @param {Block} parent @param {Block} child */
export function holds(parent, child) {
  if (parent.type === "list") return child.type === "item";
  return ["document", "quote", "item", "note"].includes(parent.type) && child.type !== "item";
}

/** Code and formulas as they were written. @param {Block} block */
export function sourceOf({ lines, growing }) {
  return [...lines, ...(growing === null ? [] : [growing])].join("\n");
}

/** Blank lines at the end do not belong to indented code. @param {readonly string[]} lines @returns {number} how many do */
export function withoutBlankEnd(lines) {
  let end = lines.length;
  while (end > 0 && /** @type {string} */ (lines[end - 1]).trim() === "") end -= 1;
  return end;
}
