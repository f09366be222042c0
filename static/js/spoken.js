// @ts-check
/**
 * Answers for readers who listen and want them while they are written: a live region gets finished paragraphs, those of
 * a few seconds at a time. Off unless the reader wants it: most go through the answer themselves when it is complete.
 */

import { preference } from "./preferences.js";
import { plain } from "./selection.js";

/** ms between two updates */
const PAUSE = 3000;

export class Spoken {
  #region;
  /** @type {WeakSet<Element>} */
  #said = new WeakSet();
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;

  /** @param {HTMLElement} region */
  constructor(region) {
    this.#region = region;
  }

  /** It has grown. @param {HTMLElement} answer */
  follow(answer) {
    if (this.#timer !== undefined || !wanted()) return;
    this.#region.ariaLive = "polite"; // before there is something in it
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      if (answer.isConnected) this.#say(blocksOf(answer).slice(0, -1)); // the last one grows
    }, PAUSE);
  }

  /** It is complete. @param {HTMLElement} answer */
  end(answer) {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (wanted()) this.#say(blocksOf(answer));
  }

  // Private

  /** @param {Element[]} blocks */
  #say(blocks) {
    const news = blocks.filter((block) => !this.#said.has(block));
    if (news.length === 0) return;
    for (const block of news) this.#said.add(block);
    this.#region.replaceChildren(...news.map((block) => words(/** @type {HTMLElement} */ (block))));
  }
}

const wanted = () => preference("spoken") === "on";

/** @param {HTMLElement} answer */
const blocksOf = (answer) => [...answer.querySelectorAll(".prose__section > *")];

/** A copy without anything that takes the focus. @param {HTMLElement} block */
function words(block) {
  const copy = plain(block);
  for (const link of copy.querySelectorAll("a")) link.removeAttribute("href");
  return copy;
}
