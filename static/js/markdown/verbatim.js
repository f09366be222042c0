// @ts-check
/** Spans whose inside is kept as it was written: code and formulas. Pure, and linear in the length of the text. */

const RUN = /`+/g;

export class Backticks {
  #text;
  /** Where runs stand that have not been passed, by length, last first. @type {Map<number, number[]> | null} */
  #runs = null;

  #from;

  /** @param {string} text @param {number} from  where it is read from */
  constructor(text, from) {
    this.#text = text;
    this.#from = from;
  }

  /**
   * What the run of backticks at `at` begins; to be asked from left to right.
   *
   * @param {number} at
   * @param {number} limit  where it has to have its end
   * @returns {{text: string | null, length: number}} all of the code, or of the run that nothing closes
   */
  scan(at, limit) {
    let from = at;
    while (this.#text[from] === "`") from += 1;
    const length = from - at;
    const closing = this.#runsOf(length);
    while (closing.length > 0 && /** @type {number} */ (closing[closing.length - 1]) < from) closing.pop();
    const end = closing[closing.length - 1];
    if (end === undefined || end + length > limit) return { text: null, length };
    const text = this.#text.slice(from, end).replaceAll("\n", " ");
    const padded = text.startsWith(" ") && text.endsWith(" ") && text.trim() !== "";
    return { text: padded ? text.slice(1, -1) : text, length: end + length - at };
  }

  /** @param {number} length @returns {number[]} */
  #runsOf(length) {
    if (this.#runs === null) {
      this.#runs = new Map();
      RUN.lastIndex = this.#from;
      const all = [...this.#text.matchAll(RUN)].reverse();
      for (const { 0: run, index } of all) {
        const same = this.#runs.get(run.length);
        if (same) same.push(index);
        else this.#runs.set(run.length, [index]);
      }
    }
    return this.#runs.get(length) ?? [];
  }
}

export class Formulas {
  #text;
  /** Where the next ends stand, Infinity without one. @type {Map<string, number>} */
  #ends = new Map();

  /** @param {string} text */
  constructor(text) {
    this.#text = text;
  }

  /**
   * What the sign of two characters at `at` begins; to be asked from left to right.
   *
   * @param {number} at
   * @param {string} close
   * @param {number} limit  where it has to have its end
   * @returns {{text: string, end: number} | null}
   */
  scan(at, close, limit) {
    const end = this.#end(close, at + 2);
    if (end + 2 > limit) return null;
    const text = this.#text.slice(at + 2, end).trim();
    return text === "" ? null : { text, end: end + 2 };
  }

  /** @param {string} close @param {number} from */
  #end(close, from) {
    const known = this.#ends.get(close) ?? -1;
    if (known >= from) return known;
    const found = this.#text.indexOf(close, from);
    const end = found < 0 ? Infinity : found;
    this.#ends.set(close, end);
    return end;
  }
}
