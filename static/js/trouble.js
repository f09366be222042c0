// @ts-check
/** What is wrong with keeping conversations, said above them until it is read or over. */

import { part } from "./templates.js";
import { text } from "./text.js";

export class Trouble {
  #element;
  /** @type {keyof typeof text.trouble | null} */
  #kind = null;

  /** @param {HTMLElement} element  role=alert */
  constructor(element) {
    this.#element = element;
    part(element, "dismiss").addEventListener("click", () => (element.hidden = true));
  }

  /** @param {keyof typeof text.trouble} kind */
  tell(kind) {
    this.#kind = kind;
    this.say(text.trouble[kind]);
  }

  /** @param {string} words */
  say(words) {
    this.#element.hidden = false; // an alert is read when its text changes while it is there
    part(this.#element, "text").textContent = words;
  }

  /** It is over. @param {readonly (keyof typeof text.trouble)[]} kinds */
  over(kinds) {
    if (this.#kind !== null && kinds.includes(this.#kind)) this.#element.hidden = true;
  }
}
