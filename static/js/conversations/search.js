// @ts-check
/** Finding words in what was said, whatever their case and accents. Pure. */

/** characters of a snippet before and after the first word that was found */
const BEFORE = 24;
const AFTER = 72;

/** Without case and accents. @param {string} text */
function folded(text) {
  const lower = text.toLowerCase();
  return /[\u0080-\uffff]/.test(lower) ? lower.normalize("NFKD").replace(/\p{M}/gu, "") : lower;
}

/** The words of a query, as `found` takes them. @param {string} query @returns {string[]} */
export function terms(query) {
  return folded(query).split(/\s+/).filter(Boolean).slice(0, 16);
}

/** Whether all of the terms are there. @param {string} text @param {readonly string[]} terms */
export function found(text, terms) {
  const where = folded(text);
  return terms.every((term) => where.includes(term));
}

/**
 * The surroundings of the first term that is there.
 *
 * @param {string} text
 * @param {readonly string[]} terms
 * @returns {{before: string, hit: string, after: string} | null}
 */
export function snippet(text, terms) {
  const where = folded(text);
  const starts = terms.map((term) => [where.indexOf(term), term.length]).filter(([at]) => at !== -1);
  const [first] = starts.sort(([a = 0], [b = 0]) => a - b);
  if (!first) return null;
  const [at = 0, length = 0] = first;
  const start = unfolded(text, at);
  const end = Math.max(unfolded(text, at + length), start + 1);
  const from = start <= BEFORE ? 0 : Math.max(text.lastIndexOf(" ", start - BEFORE) + 1, start - 2 * BEFORE);
  const ends = text.indexOf(" ", end + AFTER);
  const to = Math.min(ends === -1 ? text.length : ends, end + 2 * AFTER);
  return {
    before: (from > 0 ? "…" : "") + oneLine(text.slice(from, start)).trimStart(),
    hit: oneLine(text.slice(start, end)),
    after: oneLine(text.slice(end, to)).trimEnd() + (to < text.length ? "…" : ""),
  };
}

/** Without what only Markdown needs. @param {string} text */
const oneLine = (text) => text.replace(/[#*`|>]+/g, " ").replace(/\s+/g, " ");

/** Where in `text` a place in its folded form is. @param {string} text @param {number} place */
function unfolded(text, place) {
  if (folded(text.slice(0, place)).length === place) return place;
  let passed = 0;
  let at = 0;
  for (const character of text) {
    if (passed >= place) break;
    passed += folded(character).length;
    at += character.length;
  }
  return at;
}
