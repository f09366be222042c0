// @ts-check
/** Items of lists: how a line begins one, and a task in it. Pure but for the chain and the line. */

import { block } from "./block.js";
import { matchItem, matchTask } from "./starts.js";

/** @typedef {import("./block.js").Block} Block */
/** @typedef {import("./chain.js").Chain} Chain */

/**
 * @param {Chain} chain
 * @param {Block} container  that the line belongs to
 * @param {import("./line.js").Line} line
 * @returns {Block | null} the item that the line begins, if it does
 */
export function openItem(chain, container, line) {
  const item = matchItem(line.rest);
  if (item === null) return null;
  const { marker, kind, start, ordered, empty } = item;
  if (container.type === "paragraph" && (empty || start !== 1)) return null;

  chain.closeBelow(container);
  if (container.type === "paragraph" || container.type === "table") chain.close();
  const parent = chain.tip;
  const { indent } = line;
  line.skip(marker.length);
  let width = marker.length + line.indent;
  if (empty || line.indent > 4) {
    width = marker.length + 1;
    line.skipOneSpace();
  } else line.skipSpace();

  if (parent.type !== "list" || parent.marker !== kind) {
    if (parent.type === "list") chain.close();
    chain.push(block("list", line.number, { ordered, start, marker: kind, loose: false }));
  }
  return chain.push(block("item", line.number, { indent: indent + width }));
}

/** `[ ]` and `[x]` at the beginning of an item. @param {Chain} chain @param {Block} paragraph  the innermost open block */
export function takeTask(chain, paragraph) {
  const item = chain.open[chain.open.length - 2];
  if (item?.type !== "item" || item.children[0] !== paragraph) return;
  const task = matchTask(paragraph.text);
  if (!task) return;
  item.checked = task.checked;
  paragraph.text = paragraph.text.slice(task.length);
  paragraph.lastLine = paragraph.text;
}
