// @ts-check
/** Whether a block that is open has the next line, too. Pure but for the line, which moves on. */

/** @typedef {import("./block.js").Block} Block */
/** @typedef {import("./line.js").Line} Line */

/**
 * @param {Block} open
 * @param {Line} line  past what belongs to the blocks around this one
 * @returns {boolean | "ends"}  "ends": the line is the block's last, and nothing of it is left
 */
export function goesOn(open, line) {
  switch (open.type) {
    case "quote":
      return quoteGoesOn(line);
    case "item":
      if (line.blank) return open.children.length > 0 && skipSpace(line);
      return line.indent >= (open.indent ?? 0) && skipColumns(line, open.indent ?? 0);
    case "note":
      if (line.blank) return skipSpace(line);
      return line.indent >= 4 && skipColumns(line, 4);
    case "code":
      if (open.fence !== undefined) return fenceGoesOn(open, line);
      return (line.blank || line.indent >= 4) && skipColumns(line, 4);
    case "math":
      return mathGoesOn(open, line);
    case "paragraph":
    case "table":
      return !line.blank;
    case "heading":
    case "rule":
    case "row":
      return false;
    default:
      return true;
  }
}

/** @param {Line} line */
function skipSpace(line) {
  line.skipSpace();
  return true;
}

/** @param {Line} line @param {number} columns */
function skipColumns(line, columns) {
  line.skipColumns(columns);
  return true;
}

/** @param {Line} line */
function quoteGoesOn(line) {
  if (line.indent > 3 || line.next !== ">") return false;
  line.skip(1);
  line.skipOneSpace();
  return true;
}

/** @param {Block} open @param {Line} line @returns {boolean | "ends"} */
function fenceGoesOn({ fence = "", indent = 0 }, line) {
  if (line.indent < 4 && line.next === fence[0]) {
    const rest = line.rest.trimEnd();
    if (rest.length >= fence.length && rest === rest.charAt(0).repeat(rest.length)) return "ends";
  }
  return skipColumns(line, Math.min(indent, line.indent));
}

/** @param {Block} open @param {Line} line @returns {boolean | "ends"} */
function mathGoesOn(open, line) {
  const end = /** @type {string} */ (open.fence);
  const rest = line.rest.trimEnd();
  if (!rest.endsWith(end)) return true;
  const inside = rest.slice(0, -end.length);
  if (inside !== "") {
    if (open.tried) open.growing = inside;
    else open.lines.push(inside);
  }
  return "ends";
}
