// @ts-check
/** Link destinations, titles and labels, and the definitions that a paragraph may begin with. Pure. */

import { resolve } from "./entities.js";

/** @typedef {Map<string, {href: string, title: string}>} References  by normalised label */

const LABEL = /^\[((?:[^\\[\]]|\\[\s\S]){0,999})\]/;
const ANGLE = /^<((?:[^<>\\\n]|\\.)*)>/;
const TITLE = /^(?:"((?:[^"\\]|\\[\s\S])*)"|'((?:[^'\\]|\\[\s\S])*)'|\(((?:[^()\\]|\\[\s\S])*)\))/;

/** @param {string} label  without its brackets */
export function normalizeLabel(label) {
  return label.trim().replace(/\s+/g, " ").toLowerCase().toUpperCase();
}

/** @param {string} text @param {number} at @returns {{label: string, end: number} | null} */
export function scanLabel(text, at) {
  const match = LABEL.exec(text.slice(at, at + 1003));
  if (!match) return null;
  return { label: /** @type {string} */ (match[1]), end: at + match[0].length };
}

/** @param {string} text @param {number} at @returns {{href: string, end: number} | null} */
export function scanDestination(text, at) {
  if (text[at] === "<") {
    const match = ANGLE.exec(text.slice(at));
    return match ? { href: resolve(/** @type {string} */ (match[1])), end: at + match[0].length } : null;
  }
  let depth = 0;
  let end = at;
  for (; end < text.length; end += 1) {
    const char = /** @type {string} */ (text[end]);
    if (char === "\\" && /[!-/:-@[-`{-~]/.test(text[end + 1] ?? "")) end += 1;
    else if (char <= " " || char === "\x7f") break;
    else if (char === "(") {
      depth += 1;
      if (depth > 32) return null;
    } else if (char === ")") {
      if (depth === 0) break;
      depth -= 1;
    }
  }
  if (depth !== 0) return null;
  return { href: resolve(text.slice(at, end)), end };
}

/** @param {string} text @param {number} at @returns {{title: string, end: number} | null} */
export function scanTitle(text, at) {
  const match = TITLE.exec(text.slice(at));
  if (!match || /\n[ \t]*\n/.test(match[0])) return null;
  return { title: resolve(match[1] ?? match[2] ?? match[3] ?? ""), end: at + match[0].length };
}

/** @param {string} text @param {number} at  past white space with at most one line end */
export function skipSpace(text, at) {
  return at + /** @type {RegExpExecArray} */ (/^[ \t]*(?:\n[ \t]*)?/.exec(text.slice(at, at + 1000)))[0].length;
}

/**
 * Take the definitions away that `text` begins with.
 *
 * @param {string} text
 * @param {References} references  gets them; the first definition of a label wins
 * @returns {string}
 */
export function cutReferences(text, references) {
  while (text.startsWith("[")) {
    const end = cutOne(text, references);
    if (end === 0) break;
    text = text.slice(end);
  }
  return text;
}

/** @param {string} text @param {References} references @returns {number} where the definition ends, or 0 */
function cutOne(text, references) {
  const label = scanLabel(text, 0);
  if (!label || text[label.end] !== ":" || label.label.trim() === "") return 0;
  const from = skipSpace(text, label.end + 1);
  const destination = scanDestination(text, from);
  if (!destination || destination.end === from) return 0;
  const lineEnd = /^[ \t]*(?:\n|$)/;
  let { end } = destination;
  let title = "";
  const afterSpace = skipSpace(text, end);
  const found = afterSpace > end ? scanTitle(text, afterSpace) : null;
  if (found && lineEnd.test(text.slice(found.end))) {
    title = found.title;
    end = found.end;
  } else if (!lineEnd.test(text.slice(end))) return 0;
  end += /** @type {RegExpExecArray} */ (lineEnd.exec(text.slice(end)))[0].length;
  const key = normalizeLabel(label.label);
  if (!references.has(key)) references.set(key, { href: destination.href, title });
  return end;
}
