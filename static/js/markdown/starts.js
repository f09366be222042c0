// @ts-check
/** What the beginning of a line can begin. Pure. */

const RULE = /^(?:(?:\*[ \t]*){3,}|(?:_[ \t]*){3,}|(?:-[ \t]*){3,})$/;
const HEADING = /^#{1,6}(?=[ \t]|$)/;
const FENCE = /^(?:`{3,}|~{3,})/;
const BULLET = /^[*+-]/;
const NUMBER = /^(\d{1,9})([.)])/;
const NOTE = /^\[\^([^\s[\]\\^]{1,60})\]:/;
const SPECIAL = /^[#`~*+_=<>0-9$\\|:[-]$/;
const TASK = /^\[([ xX])\][ \t]+(?=\S)/;

/** Whether a line that begins with `char` can be anything but text. @param {string} char */
export const special = (char) => SPECIAL.test(char);

/** @param {string} rest */
export const isRule = (rest) => RULE.test(rest.trimEnd());

/** @param {string} rest @returns {{level: number, text: string} | null} */
export function matchHeading(rest) {
  const level = HEADING.exec(rest)?.[0].length;
  if (level === undefined) return null;
  const inside = rest.slice(level).trimEnd();
  let end = inside.length;
  while (inside[end - 1] === "#") end -= 1;
  const closed = end === 0 || inside[end - 1] === " " || inside[end - 1] === "\t";
  return { level, text: (closed ? inside.slice(0, end) : inside).trim() };
}

/** Whether `rest`, below a paragraph, makes it a heading: its level, or 0. @param {string} rest */
export function matchUnderline(rest) {
  const line = rest.trimEnd();
  if (/^=+$/.test(line)) return 1;
  return /^-+$/.test(line) ? 2 : 0;
}

/** @param {string} rest @returns {{fence: string, info: string} | null} */
export function matchFence(rest) {
  const fence = FENCE.exec(rest)?.[0];
  if (fence === undefined) return null;
  const info = rest.slice(fence.length).trim();
  return fence.startsWith("`") && info.includes("`") ? null : { fence, info };
}

/** @param {string} rest @returns {{fence: string, inside: string, whole: boolean} | null} */
export function matchFormula(rest) {
  const fence = rest.startsWith("$$") ? "$$" : rest.startsWith("\\[") ? "\\]" : null;
  if (fence === null) return null;
  const inside = rest.slice(2).trimEnd();
  const at = inside.indexOf(fence);
  if (at >= 0 && at !== inside.length - fence.length) return null; // a formula in a sentence
  return { fence, inside: at < 0 ? inside : inside.slice(0, at), whole: at >= 0 };
}

/**
 * @param {string} rest
 * @returns {{marker: string, kind: string, start: number, ordered: boolean, empty: boolean} | null}
 */
export function matchItem(rest) {
  const number = NUMBER.exec(rest);
  const marker = number?.[0] ?? BULLET.exec(rest)?.[0];
  if (marker === undefined) return null;
  const next = rest[marker.length];
  if (next !== undefined && next !== " " && next !== "\t") return null;
  return {
    marker,
    kind: number?.[2] ?? marker,
    start: number ? Number(number[1]) : 1,
    ordered: number !== null,
    empty: rest.slice(marker.length).trim() === "",
  };
}

/** `[^label]:` @param {string} rest @returns {{label: string, length: number} | null} */
export function matchNote(rest) {
  const match = NOTE.exec(rest);
  return match && { label: /** @type {string} */ (match[1]), length: match[0].length };
}

/** `[ ]` and `[x]` @param {string} text @returns {{checked: boolean, length: number} | null} */
export function matchTask(text) {
  const match = TASK.exec(text);
  return match && { checked: match[1] !== " ", length: match[0].length };
}
