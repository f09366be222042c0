// @ts-check
/**
 * The tree of blocks as elements, brought up to date instead of built again.
 *
 * Elements and text nodes only. A block that is closed is drawn once more and then never looked at again; of the open one,
 * nodes that are still right stay, text is appended to.
 */

import { text as words } from "../text.js";
import { directionOf, elementFor, kindOf, languageOf, make, makeText } from "./elements.js";
import { whenNear } from "./idle.js";
import { Lines } from "./lines.js";
import { Passage } from "./passage.js";
import { append, remove } from "./sections.js";

/** @typedef {import("./block.js").Block} Block */

/** characters from which on a table's cell is not made narrow */
const LONG = 20;

/**
 * @typedef {object} Drawn
 * @property {Block} block
 * @property {string} kind
 * @property {HTMLElement} element
 * @property {HTMLElement} inside  where children go
 * @property {Drawn[]} children
 * @property {number} done  how many children at the beginning are settled
 * @property {boolean} settled
 * @property {Lines | null} lines  of code and formulas
 * @property {Passage[]} passages  of a leaf; of a row, one for each cell
 */

/**
 * @typedef {object} Drawing
 * @property {import("./references.js").References} references
 * @property {Set<string>} notes  labels of the footnotes that there are
 * @property {Node[]} marks
 * @property {Block | null} live  the leaf that is being written
 * @property {number} top  level of the first heading
 * @property {boolean} growing  more text comes
 * @property {boolean} again  look at what is settled, too
 */

/** @param {Block} block @param {HTMLElement} element @returns {Drawn} */
export function drawnAs(block, element) {
  /** @type {HTMLElement} */
  const inside = element.querySelector("code, table, .footnote__text") ?? element;
  const lines = block.type === "code" || block.type === "math" ? new Lines(inside) : null;
  return {
    block,
    kind: kindOf(block),
    element,
    inside,
    children: [],
    done: 0,
    settled: false,
    lines,
    passages: [],
  };
}

/**
 * Bring `parent` up to date with these blocks.
 *
 * @param {Drawn} parent
 * @param {Block[]} blocks
 * @param {Drawing} drawing
 */
export function drawChildren(parent, blocks, drawing) {
  const { children } = parent;
  for (let n = drawing.again ? 0 : parent.done; n < blocks.length; n += 1) {
    const block = /** @type {Block} */ (blocks[n]);
    let drawn = children[n];
    if (drawn && drawn.kind !== kindOf(block)) {
      for (const gone of children.splice(n).reverse()) remove(gone.element);
      drawn = undefined;
    }
    if (!drawn) {
      drawn = drawnAs(block, elementFor(block, drawing.top));
      children.push(drawn);
      place(parent, drawn, n);
    }
    draw(drawn, block, drawing);
    if (drawn.settled && parent.done === n) parent.done += 1;
  }
  for (const gone of children.splice(blocks.length).reverse()) remove(gone.element);
}

/** @param {Drawn} parent @param {Drawn} child @param {number} n */
function place(parent, child, n) {
  if (parent.block.type === "document") append(parent.inside, child.element);
  else if (parent.block.type !== "table") parent.inside.append(child.element);
  else parent.inside.children[n === 0 ? 0 : 1]?.append(child.element);
}

/** @param {Drawn} drawn @param {Block} block @param {Drawing} drawing */
function draw(drawn, block, drawing) {
  const before = drawn.settled;
  drawn.block = block;
  drawn.settled = !block.open && !block.tried && block !== drawing.live;
  switch (block.type) {
    case "code":
    case "math":
      drawn.lines?.draw(block);
      if (drawn.settled && !before) finish(drawn, block);
      return;
    case "rule":
      return;
    case "row":
      return drawRow(drawn, block, drawing);
    case "paragraph":
    case "heading":
      drawn.passages[0] ??= new Passage(drawn.element);
      drawn.passages[0].draw(shown(block, drawing), block === drawing.live, drawing);
      return;
    case "list":
      drawDirection(drawn, block);
      drawn.element.toggleAttribute("data-loose", block.loose);
      return drawChildren(drawn, block.children, drawing);
    case "item":
      drawTask(drawn, block);
      return drawChildren(drawn, block.children, drawing);
    default:
      drawDirection(drawn, block);
      return drawChildren(drawn, block.children, drawing);
  }
}

/** Code gets its colours, a formula its form. @param {Drawn} drawn @param {Block} block */
function finish({ element, inside }, block) {
  const language = languageOf(block);
  if (block.type === "math") whenNear(element, (finish) => finish.typeset(element, true));
  else if (language !== "") whenNear(element, (finish) => finish.color(inside, language));
}

/** What of a leaf's text is to be seen now. @param {Block} block @param {Drawing} drawing */
function shown(block, drawing) {
  const { text } = block;
  if (block !== drawing.live || !block.open) return text;
  if (/^\[[^\]]+\]:/.test(text)) return ""; // may become a definition, which is not shown
  const lineAt = text.lastIndexOf("\n") + 1;
  return text[lineAt] === "|" ? text.slice(0, lineAt).trimEnd() : text; // may become a table's header
}

/** @param {Drawn} drawn @param {Block} block */
function drawDirection({ element }, block) {
  if (element.dir === "") element.dir = directionOf(block);
}

/** @param {Drawn} drawn @param {Block} block */
function drawTask({ element }, { checked }) {
  if (checked === undefined || element.classList.contains("task")) return;
  const box = /** @type {HTMLInputElement} */ (make("input"));
  box.type = "checkbox";
  box.disabled = true;
  box.checked = checked === true;
  box.ariaLabel = box.checked ? words.taskDone : words.taskOpen;
  element.classList.add("task");
  element.prepend(box);
}

/** @param {Drawn} drawn @param {Block} row @param {Drawing} drawing */
function drawRow(drawn, row, drawing) {
  const head = drawn.element.parentElement?.tagName === "THEAD";
  const cells = row.cells ?? [];
  cells.forEach((text, n) => {
    let cell = /** @type {HTMLElement | undefined} */ (drawn.element.children[n]);
    if (!cell) {
      cell = makeText(head ? "th" : "td");
      drawn.element.append(cell);
    }
    cell.toggleAttribute("data-long", text.length > LONG);
    const align = row.align?.[n];
    if (align) cell.dataset.align = align;
    const last = row === drawing.live && cells.slice(n + 1).every((other) => other === "");
    drawn.passages[n] ??= new Passage(cell);
    drawn.passages[n].draw(text, last, drawing);
  });
}
