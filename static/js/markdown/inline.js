// @ts-check
/** Markdown inside one block: text in, a tree of spans out. Pure. */

import { Reader } from "./reader.js";

/** @typedef {import("./references.js").References} References */
/** @typedef {import("./spans.js").Span} Span */

/**
 * @param {string} text
 * @param {References} references
 * @param {import("./atoms.js").Options} [options]
 * @returns {Span[]}
 */
export function parseInline(text, references, options = { math: true, bare: true }) {
  const reader = new Reader(text, 0, references, options);
  /** @type {Span[]} */
  const spans = [];
  while (reader.at < text.length) for (const span of reader.read()) spans.push(span);
  return spans;
}

/**
 * What is begun in `text` and not ended, in order: for a text that is still being written.
 *
 * @param {string} text
 * @param {number} from  where a stretch begins
 * @returns {import("./atoms.js").Loose[]}
 */
export function looseEnds(text, from) {
  const reader = new Reader(text, from, new Map(), { math: true, bare: true });
  while (reader.at < text.length) reader.read();
  return reader.loose;
}
