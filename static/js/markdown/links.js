// @ts-check
/** Where a link's words lead to: what follows their closing bracket. Pure. */

import { normalizeLabel, scanDestination, scanLabel, scanTitle, skipSpace } from "./references.js";

/** @typedef {{href: string, title: string, end: number}} Target  `end`: past it */

/** `(destination "title")` @param {string} text @param {number} at @returns {Target | null} */
export function inlineTarget(text, at) {
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
 * @param {number} from  where the words begin
 * @param {number} at  where they end
 * @param {import("./references.js").References} references
 * @returns {Target | null}
 */
export function referenceTarget(text, from, at, references) {
  if (references.size === 0) return null;
  const after = scanLabel(text, at + 1);
  let label = after?.label ?? "";
  if (label === "" && at - from < 1000) {
    const words = text.slice(from, at);
    if (!/(?<!\\)\[/.test(words)) label = words;
  }
  const found = label.trim() === "" ? undefined : references.get(normalizeLabel(label));
  return found ? { ...found, end: after ? after.end : at + 1 } : null;
}
