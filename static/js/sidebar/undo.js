// @ts-check
/** A deleted conversation can be had back for a while; whoever is at the button is not hurried. */

import { UNDO } from "../conversations/store.js";
import { part } from "../templates.js";
import { text } from "../text.js";

/** @typedef {import("../conversations/tree.js").Conversation} Conversation */

export class Undo {
  #element;
  #button;
  /** @type {Conversation | null} */
  #deleted = null;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;

  /** @type {(conversation: Conversation) => void} */
  onUndo = () => {};
  /** Nobody wanted it back. @type {(conversation: Conversation) => void} */
  onExpire = () => {};

  /** @param {HTMLElement} element */
  constructor(element) {
    this.#element = element;
    this.#button = part(element, "button");
    this.#button.addEventListener("click", () => {
      const conversation = this.#close();
      if (conversation) this.onUndo(conversation);
    });
    for (const name of ["focusin", "pointerenter"]) element.addEventListener(name, () => clearTimeout(this.#timer));
    for (const name of ["focusout", "pointerleave"]) element.addEventListener(name, () => this.#hurry());
  }

  /** @param {Conversation} deleted */
  offer(deleted) {
    this.#expire();
    this.#deleted = deleted;
    part(this.#element, "text").textContent = text.deleted(deleted.title || text.untitled);
    this.#element.hidden = false;
    this.#button.focus();
    this.#hurry();
  }

  #hurry() {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      if (!this.#element.matches(":hover, :focus-within")) this.#expire();
    }, UNDO);
  }

  #expire() {
    const conversation = this.#close();
    if (conversation) this.onExpire(conversation);
  }

  #close() {
    clearTimeout(this.#timer);
    const deleted = this.#deleted;
    this.#deleted = null;
    this.#element.hidden = true;
    return deleted;
  }
}
