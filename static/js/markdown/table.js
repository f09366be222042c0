// @ts-check
/** Tables, as in GitHub's dialect: a row of cells, and below it the row that says how the columns are aligned. Pure. */

import { block } from "./block.js";

const DELIMITER = /^:?-+:?$/;

/**
 * The cells of a row.
 *
 * @param {string} row
 * @returns {string[]}
 */
export function splitRow(row) {
  const inside = row.trim();
  const cells = [];
  let from = 0;
  for (let at = 0; at <= inside.length; at += 1) {
    if (inside[at] === "\\" && inside[at + 1] === "|") at += 1;
    else if (at === inside.length || inside[at] === "|") {
      cells.push(inside.slice(from, at).replaceAll("\\|", "|").trim()); // escaped: part of the cell, even in code
      from = at + 1;
    }
  }
  if (cells[0] === "" && inside.startsWith("|")) cells.shift();
  if (cells.length > 1 && cells[cells.length - 1] === "") cells.pop();
  return cells;
}

/**
 * How the columns are aligned if `line` below `header` makes both a table.
 *
 * @param {string} header
 * @param {string} line
 * @returns {(string | null)[] | null}
 */
export function matchTable(header, line) {
  if (!/^[|:-][-|: \t]*$/.test(line) || /^-[ \t]/.test(line) || !header.includes("|")) return null;
  const delimiters = splitRow(line);
  if (!delimiters.every((cell) => DELIMITER.test(cell)) || delimiters.length !== splitRow(header).length) return null;
  return delimiters.map((cell) => {
    if (cell.endsWith(":")) return cell.startsWith(":") ? "center" : "right";
    return cell.startsWith(":") ? "left" : null;
  });
}

/**
 * The row that a line is in a table, with as many cells as the table has columns.
 *
 * @param {import("./block.js").Block} table
 * @param {import("./line.js").Line} line
 * @param {boolean} tried
 */
export function rowOf({ align = [] }, line, tried) {
  const cells = splitRow(line.rest).slice(0, align.length);
  while (cells.length < align.length) cells.push("");
  return block("row", line.number, { open: false, tried, align, cells });
}
