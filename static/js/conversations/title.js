// @ts-check
/** A conversation's first name: the beginning of what was asked first. Pure. */

/** characters: what fits into a list, and into a tab */
const LONG_ENOUGH = 60;
/** code units in which those are looked for; a single emoji may have dozens */
const LOOKED_AT = 2000;
/** code units: what a reader may write */
export const LONGEST_TITLE = 200;

const graphemes = new Intl.Segmenter(undefined, { granularity: "grapheme" });

/** @param {string} prompt @returns {string} empty when there is nothing to take one from */
export function titleOf(prompt) {
  let fenced = false;
  for (const line of prompt.slice(0, 10_000).split("\n")) {
    if (/^\s*(```|~~~)/.test(line)) {
      fenced = !fenced;
      continue;
    }
    const plain = plainLine(line);
    if (plain !== "" && !fenced) return shortened(plain);
  }
  return shortened(plainLine(prompt.slice(0, 1000).replace(/[`~]{3,}\S*/g, " ")));
}

/** What a reader wrote as a title, made to fit. @param {string} title */
export function tidyTitle(title) {
  return title.replace(/\s+/g, " ").trim().slice(0, LONGEST_TITLE);
}

/** Without what only Markdown needs. @param {string} line */
function plainLine(line) {
  return line
    .replace(/^\s*(?:#{1,6}\s|>\s?|[-*+]\s|\d+[.)]\s)+/, "")
    .replace(/!?\[([^\]]*)\]\([^)]*\)/g, "$1")
    .replace(/[*`]+/g, "")
    .replace(/\s+/g, " ")
    .trim();
}

/** Cut between words, or where one ends that is too long; never inside a character. @param {string} line */
function shortened(line) {
  const end = [...graphemes.segment(line.slice(0, LOOKED_AT))][LONG_ENOUGH]?.index;
  if (end === undefined) return line.slice(0, LONGEST_TITLE);
  const cut = line.slice(0, end);
  const space = cut.lastIndexOf(" ");
  const kept = space > cut.length / 2 ? cut.slice(0, space) : cut;
  return `${kept.replace(/[\s,;:.–—-]+$/, "")}…`;
}
