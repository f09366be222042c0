// @ts-check
/** Spans whose inside is kept as it was written: code and formulas. Pure, and linear in the length of the text. */

const RUN = /`+/g;

export class Backticks {
  #text;
  /** Where runs stand that have not been passed, by length, last first. @type {Map<number, number[]> | null} */
  #runs = null;

  /** @param {string} text */
  constructor(text) {
    this.#text = text;
  }

  /**
   * What the run of backticks at `at` begins; to be asked from left to right.
   *
   * @param {number} at
   * @returns {{text: string | null, length: number}} all of the code, or of the run that nothing closes
   */
  scan(at) {
    let from = at;
    while (this.#text[from] === "`") from += 1;
    const length = from - at;
    const closing = this.#runsOf(length);
    while (closing.length > 0 && /** @type {number} */ (closing[closing.length - 1]) < from) closing.pop();
    const end = closing.pop();
    if (end === undefined) return { text: null, length };
    const text = this.#text.slice(from, end).replaceAll("\n", " ");
    const padded = text.startsWith(" ") && text.endsWith(" ") && text.trim() !== "";
    return { text: padded ? text.slice(1, -1) : text, length: end + length - at };
  }

  /** @param {number} length @returns {number[]} */
  #runsOf(length) {
    if (this.#runs === null) {
      this.#runs = new Map();
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
  /** Ends that do not come any more. @type {Set<string>} */
  #missing = new Set();

  /** @param {string} text */
  constructor(text) {
    this.#text = text;
  }

  /** @param {number} at @param {string} open @param {string} close @returns {{text: string, end: number} | null} */
  scan(at, open, close) {
    if (!this.#text.startsWith(open, at) || this.#missing.has(close)) return null;
    const end = this.#text.indexOf(close, at + 2);
    if (end < 0) this.#missing.add(close);
    const text = this.#text.slice(at + 2, end).trim();
    return end < 0 || text === "" ? null : { text, end: end + 2 };
  }
}
