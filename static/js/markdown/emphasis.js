// @ts-check
/**
 * `*`, `_` and `~~`: which of them belong together. Pure.
 *
 * By the delimiter algorithm of https://spec.commonmark.org/0.31.2/#phase-2-inline-structure, in time linear in their number.
 */

import { DEEPEST } from "./block.js";
import { Cell, collect, depthOf, span } from "./spans.js";

/**
 * @typedef {object} Delimiter  a run of one character
 * @property {string} char
 * @property {number} length  what is left of it
 * @property {number} original  what it had
 * @property {boolean} opens
 * @property {boolean} closes
 * @property {number} from  where it stands in the text
 * @property {Cell} at
 * @property {Delimiter | null} before
 * @property {Delimiter | null} after
 */

/** A mark counts as punctuation, so that emphasis ends before it as it would at the end of a sentence. */
const PUNCTUATION = /^[\p{P}\p{S}\ufdd0\ufdd1]$/u;

/**
 * What the run of `length` characters at `from` may do.
 *
 * @param {string} text
 * @param {number} from
 * @param {number} length
 */
export function flanking(text, from, length) {
  const before = characterBefore(text, from);
  const after = String.fromCodePoint(text.codePointAt(from + length) ?? 0x20);
  const spaceBefore = /\s/.test(before);
  const spaceAfter = /\s/.test(after);
  const punctuationBefore = PUNCTUATION.test(before);
  const punctuationAfter = PUNCTUATION.test(after);
  const left = !spaceAfter && (!punctuationAfter || spaceBefore || punctuationBefore);
  const right = !spaceBefore && (!punctuationBefore || spaceAfter || punctuationAfter);
  const inWord = text[from] === "_";
  return {
    opens: left && (!inWord || !right || punctuationBefore),
    closes: right && (!inWord || !left || punctuationAfter),
  };
}

/** @param {string} text @param {number} at */
function characterBefore(text, at) {
  if (at === 0) return " ";
  const low = text.charCodeAt(at - 1);
  return low >= 0xdc00 && low < 0xe000 ? text.slice(at - 2, at) : /** @type {string} */ (text[at - 1]);
}

export class Delimiters {
  /** @type {Delimiter | null} */
  last = null;
  /** Spans are nested so deep that the rest stays text. */
  tooDeep = false;
  /** Where the last one stands that has been looked at for good. */
  #settled = -1;
  /** @type {Map<string, number>} where no opener of this kind stands below */
  #floors = new Map();

  /** @param {Omit<Delimiter, "before" | "after" | "original">} run */
  push(run) {
    const delimiter = { ...run, original: run.length, before: this.last, after: null };
    if (this.last) this.last.after = delimiter;
    this.last = delimiter;
  }

  /**
   * Turn those above `bottom` into emphasis, and forget them.
   *
   * @param {Delimiter | null} bottom
   * @returns {Delimiter[]} those that could have opened, and found no end
   */
  emphasize(bottom) {
    if (bottom) this.#pair(bottom.after, bottom, new Map());
    else this.settle();
    return this.#cut(bottom);
  }

  /**
   * Turn into emphasis what can be, and keep what may still open. Only where no link can begin before any of them.
   *
   * @returns {boolean} nothing is left that may still open
   */
  settle() {
    let first = this.last;
    if (first && first.from <= this.#settled) first = null;
    while (first?.before && first.before.from > this.#settled) first = first.before;
    this.#settled = this.last?.from ?? this.#settled;
    this.#pair(first, null, this.#floors);
    return this.tooDeep || this.last === null;
  }

  /**
   * @param {Delimiter | null} first  the first that may close
   * @param {Delimiter | null} bottom  below the first that may open
   * @param {Map<string, number>} floors
   */
  #pair(first, bottom, floors) {
    for (let closer = first; closer; ) {
      const next = closer.after;
      if (!closer.closes || this.tooDeep || (closer.char === "~" && closer.length < 2)) {
        closer = next;
        continue;
      }
      const kind = `${closer.char}${closer.opens}${closer.original % 3}`;
      const floor = floors.get(kind) ?? -1;
      let opener = closer.before;
      while (opener && opener !== bottom && opener.from > floor && !pairs(opener, closer)) opener = opener.before;
      if (!opener || opener === bottom || opener.from <= floor) {
        floors.set(kind, closer.before?.from ?? -1);
        if (!closer.opens) this.#remove(closer);
        closer = next;
        continue;
      }
      this.#wrap(opener, closer);
      opener.after = closer; // what stands between them is text
      closer.before = opener;
      if (opener.length === 0) this.#remove(opener);
      if (closer.length === 0) {
        this.#remove(closer);
        closer = next;
      }
    }
  }

  /** @param {Delimiter} delimiter */
  #remove({ before, after }) {
    if (before) before.after = after;
    if (after) after.before = before;
    else this.last = before;
  }

  /** @param {Delimiter | null} bottom @returns {Delimiter[]} */
  #cut(bottom) {
    const loose = [];
    for (; this.last && this.last !== bottom; this.last = this.last.before) if (this.last.opens) loose.push(this.last);
    if (bottom) bottom.after = null;
    return loose;
  }

  /** @param {Delimiter} opener @param {Delimiter} closer */
  #wrap(opener, closer) {
    const used = opener.length >= 2 && closer.length >= 2 ? 2 : 1;
    const first = opener.at.after;
    const last = /** @type {Cell} */ (closer.at.before);
    const follows = last.after;
    last.after = null;
    const children = first && first !== closer.at ? collect(first) : [];
    const depth = depthOf(children);
    opener.length -= used;
    closer.length -= used;
    if (depth > DEEPEST) {
      this.tooDeep = true;
      last.after = follows;
      return;
    }
    for (const { at } of [opener, closer]) at.span.text = at.span.text.slice(used);
    const wrapped = new Cell(span(opener.char === "~" ? "del" : used === 2 ? "strong" : "em", "", { children, depth }));
    wrapped.before = opener.at;
    wrapped.after = closer.at;
    opener.at.after = wrapped;
    closer.at.before = wrapped;
  }
}

/** @param {Delimiter} opener @param {Delimiter} closer */
function pairs(opener, closer) {
  if (!opener.opens || opener.char !== closer.char) return false;
  if (opener.char === "~") return opener.length >= 2 && closer.length >= 2;
  const both = opener.closes || closer.opens;
  return !(
    both &&
    (opener.original + closer.original) % 3 === 0 &&
    (opener.original % 3 !== 0 || closer.original % 3 !== 0)
  );
}
