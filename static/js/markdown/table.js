// @ts-check
/** Tables, as in GitHub's dialect: a row of cells, and below it the row that says how the columns are aligned. Pure. */

const DELIMITER = /^:?-+:?$/;

/**
 * The cells of a row.
 *
 * @param {string} row
 * @returns {string[]}
 */
export function splitRow(row) {
  const cells = [""];
  const inside = row.trim();
  for (let at = 0; at < inside.length; at += 1) {
    const char = /** @type {string} */ (inside[at]);
    if (char === "\\" && inside[at + 1] === "|") {
      cells[cells.length - 1] += "|"; // escaped: part of the cell, even in code
      at += 1;
    } else if (char === "|") cells.push("");
    else cells[cells.length - 1] += char;
  }
  if (cells[0]?.trim() === "" && inside.startsWith("|")) cells.shift();
  if (cells.length > 1 && cells[cells.length - 1]?.trim() === "") cells.pop();
  return cells.map((cell) => cell.trim());
}

/**
 * Whether `line` below `text` makes a table whose header is the text's last line.
 *
 * @param {string} text
 * @param {string} line
 * @returns {{header: string, align: (string | null)[]} | null}
 */
export function matchTable(text, line) {
  if (!/^[|:-][-|: \t]*$/.test(line) || /^-[ \t]/.test(line)) return null;
  const header = text.slice(text.lastIndexOf("\n") + 1);
  if (!header.includes("|")) return null;
  const delimiters = splitRow(line);
  if (!delimiters.every((cell) => DELIMITER.test(cell)) || delimiters.length !== splitRow(header).length) return null;
  return {
    header,
    align: delimiters.map((cell) => {
      if (cell.endsWith(":")) return cell.startsWith(":") ? "center" : "right";
      return cell.startsWith(":") ? "left" : null;
    }),
  };
}
