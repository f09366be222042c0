// @ts-check
/** Square brackets that are open, and which of them may still become links or images. Pure. */

/**
 * @typedef {object} Bracket
 * @property {boolean} image
 * @property {import("./spans.js").Cell} at  the sign itself
 * @property {number} from  where the words begin
 * @property {import("./emphasis.js").Delimiter | null} bottom  the last delimiter before it
 */

export class Brackets {
  /** Outermost first. @type {Bracket[]} */
  #open = [];
  /** No link inside a link: what was opened before this place is text. */
  #spent = 0;

  get none() {
    return this.#open.length === 0;
  }

  /** @param {Bracket} bracket */
  push(bracket) {
    this.#open.push(bracket);
  }

  /** The one that a closing bracket belongs to. @returns {Bracket | undefined} */
  pop() {
    return this.#open.pop();
  }

  /** It may become what it looks like. @param {Bracket} bracket */
  lives({ image, from }) {
    return image || from >= this.#spent;
  }

  /** A link that ends here makes text of all that are open. @param {number} at */
  link(at) {
    this.#spent = at;
  }

  /** Those that nothing closed. @returns {{mark: string, length: number, from: number}[]} */
  loose() {
    return this.#open.map(({ image, from }) => ({ mark: image ? "![" : "[", length: 1, from: from - 1 }));
  }
}
