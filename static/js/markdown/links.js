// @ts-check
/** Where a link's words lead to: what follows their closing bracket. Pure. */

import { normalizeLabel, scanDestination, scanLabel, scanTitle, skipSpace } from "./references.js";

/** @typedef {{href: string, title: string, end: number}} Target  `end`: past it */

/**
 * What the words between `from` and `at` lead to, if it is whole before `limit`.
 *
 * @param {string} text
 * @param {number} from
 * @param {number} at  where the closing bracket stands
 * @param {import("./references.js").References} references
 * @param {number} limit
 * @returns {Target | null}
 */
export function targetOf(text, from, at, references, limit) {
  const inline = inlineTarget(text, at + 1);
  if (inline && inline.end <= limit) return inline;
  return at < limit ? referenceTarget(text, from, at, references, limit) : null;
}

/** `(destination "title")` @param {string} text @param {number} at @returns {Target | null} */
function inlineTarget(text, at) {
  if (text[at] !== "(") return null;
  let end = skipSpace(text, at + 1);
  const destination = scanDestination(text, end);
  if (!destination) return null;
  let title = "";
  end = skipSpace(text, destination.end);
  if (end > destination.end && text[end] !== ")") {
    const found = scanTitle(text, end);
    if (!found) return null;
    title = found.title;
    end = skipSpace(text, found.end);
  }
  return text[end] === ")" ? { href: destination.href, title, end: end + 1 } : null;
}

/**
 * `[label]`, or the words themselves as the label.
 *
 * @param {string} text
 * @param {number} from
 * @param {number} at
 * @param {import("./references.js").References} references
 * @param {number} limit
 * @returns {Target | null}
 */
function referenceTarget(text, from, at, references, limit) {
  if (references.size === 0) return null;
  const scanned = scanLabel(text, at + 1);
  const after = scanned && scanned.end <= limit ? scanned : null;
  let label = after?.label ?? "";
  if (label === "" && at - from < 1000) {
    const words = text.slice(from, at);
    if (!/(?<!\\)\[/.test(words)) label = words;
  }
  const found = label.trim() === "" ? undefined : references.get(normalizeLabel(label));
  return found ? { ...found, end: after ? after.end : at + 1 } : null;
}
