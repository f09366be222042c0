// @ts-check
/**
 * The one live region: says what is going on, never what Claude writes (that would be read token by token).
 * At most one message in three seconds; what is overtaken meanwhile is not said.
 */

/** ms */
const PAUSE = 3000;

export class Announcer {
  #region;
  #last = -Infinity;
  /** @type {string | null} */
  #next = null;

  /** @param {HTMLElement} region  role=status */
  constructor(region) {
    this.#region = region;
  }

  /** @param {string} message */
  say(message) {
    const wait = this.#last + PAUSE - performance.now();
    if (wait <= 0 && this.#next === null) return this.#speak(message);
    if (this.#next === null) setTimeout(() => this.#speak(this.#next ?? ""), wait);
    this.#next = message;
  }

  /** @param {string} message */
  #speak(message) {
    this.#next = null;
    this.#last = performance.now();
    this.#region.textContent = message;
  }
}
