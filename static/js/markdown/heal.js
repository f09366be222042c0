// @ts-check
/**
 * How the last line of a text looks best while it is still being written. Pure.
 *
 * `**bo` is shown bold before its end has come, a half-typed link is its words, a half-typed image nothing. Only the last
 * line is touched, only for show, and never once the block is closed.
 */

import { looseEnds } from "./inline.js";

/** characters: a half-typed link that is longer is shown as it is typed */
const LONGEST_LINK = 2000;

const TARGET = /!?\[([^[\]]*)\]\((?:<[^>\n]*|[^()\s]*(?:\([^()\s]*\)[^()\s]*)*)(?:\s+["'(][^"')]*)?$/;

/**
 * @param {string} text
 * @param {number} [from]  where its last stretch begins (see reader.js)
 * @returns {string}
 */
export function heal(text, from = 0) {
  const lineAt = Math.max(text.lastIndexOf("\n") + 1, from);
  let line = withoutHalves(text.slice(lineAt));
  const before = text.slice(0, lineAt);
  let close = "";
  for (const { mark, length, from: begun } of looseEnds(before + line, from).reverse()) {
    const at = begun - lineAt;
    if (at < 0) break; // begun on an earlier line: as it stands there
    if (mark === "![") {
      line = line.slice(0, at - 1);
      close = "";
    } else if (mark === "[") line = line.slice(0, at) + line.slice(at + 1);
    else if (line.slice(at).trim().length <= length) line = line.slice(0, at);
    else if (mark === "`") {
      close = mark.repeat(length);
    } else close += mark.repeat(Math.min(length, 3));
  }
  const body = line.trimEnd();
  return before + (close === "" ? line : body + close);
}

/** Without what has only half arrived: an entity, a link's address, opening marks, a backslash. @param {string} line */
function withoutHalves(line) {
  const near = Math.max(0, line.length - LONGEST_LINK);
  let end = line
    .slice(near)
    .replace(/&[a-z0-9#]*$/i, "")
    .replace(TARGET, (all, words) => (all.startsWith("!") ? "" : words));
  let marks = end.length;
  while (marks > 0 && "*_~".includes(/** @type {string} */ (end[marks - 1]))) marks -= 1;
  if (marks < end.length && (marks === 0 || /[\s\p{P}]/u.test(/** @type {string} */ (end[marks - 1])))) {
    end = end.slice(0, marks);
  }
  if (end.endsWith("\\")) end = end.slice(0, -1);
  return line.slice(0, near) + end;
}

/** Lines that have only begun; what stands before them (white space, `>`) does not matter. */
const IN_FENCE = /^(?:`+|~+|\$+|\\)$/;
const BEGUN =
  /^(?:[-+*]|\d{1,9}[.)]?|#{1,6}|`{1,2}|~{1,2}|`{3,}[^`]*|~{3,}.*|=+|\${1,2}|\\\[?|[-:|][-:| \t]*|\[\^[^\]\s]*\]?:?)?$/;

/**
 * Whether a line that has only begun should wait, because it is about to become something else: a list, a heading, a fence.
 *
 * @param {string} line
 * @param {boolean} inFence
 */
export function undecided(line, inFence) {
  let from = 0;
  while (from < line.length && " \t>".includes(line.charAt(from))) from += 1;
  const begun = line.slice(from).trimEnd();
  return inFence ? IN_FENCE.test(begun) : BEGUN.test(begun);
}
