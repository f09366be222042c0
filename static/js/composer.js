// @ts-check
/**
 * Where the reader writes: a growing text field, and one button that sends or stops.
 *
 * It is the same button in both states, so the focus stays where it is when an answer begins or ends.
 */

import { text } from "./text.js";

export class Composer {
  #form;
  #field;
  #button;
  #busy = false;
  #stopping = false;
  /** Safari ends a composition before it reports the Enter that ended it; the flag lives one task longer. */
  #composing = false;

  /** @type {(prompt: string) => void} */
  onSend = () => {};
  onStop = () => {};

  /** @param {HTMLFormElement} form */
  constructor(form) {
    this.#form = form;
    this.#field = /** @type {HTMLTextAreaElement} */ (form.querySelector("textarea"));
    this.#button = /** @type {HTMLButtonElement} */ (form.querySelector("[data-part=act]"));
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#act();
    });
    this.#field.addEventListener("keydown", (event) => this.#key(event));
    this.#field.addEventListener("input", () => this.#grow());
    this.#field.addEventListener("compositionstart", () => (this.#composing = true));
    this.#field.addEventListener("compositionend", () => setTimeout(() => (this.#composing = false)));
    this.#label();
  }

  get draft() {
    return this.#field.value;
  }

  /** @param {string} draft */
  set draft(draft) {
    this.#field.value = draft;
    this.#grow();
  }

  focus() {
    this.#field.focus();
  }

  /** @param {boolean} busy  an answer is being written: the button stops it */
  set busy(busy) {
    this.#busy = busy;
    this.#stopping = false;
    this.#label();
  }

  stop() {
    if (!this.#busy || this.#stopping) return;
    this.#stopping = true;
    this.#label();
    this.onStop();
  }

  // Private

  #act() {
    if (this.#busy) this.stop();
    else this.#send();
  }

  #send() {
    const prompt = this.draft.trim();
    if (prompt === "" || this.#busy) return;
    this.draft = "";
    this.onSend(prompt);
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    const composing = event.isComposing || event.keyCode === 229 || this.#composing;
    if (event.key !== "Enter" || event.shiftKey || event.altKey || composing) return;
    // on a phone Enter is the only way to a new line
    if (matchMedia("(pointer: coarse) and (hover: none)").matches && !event.ctrlKey && !event.metaKey) return;
    event.preventDefault();
    this.#send();
  }

  #label() {
    this.#form.dataset.mode = this.#stopping ? "stopping" : this.#busy ? "stop" : "send";
    const label = this.#stopping ? text.stopping : this.#busy ? text.stop : text.send;
    this.#button.setAttribute("aria-label", label);
    this.#button.title = label;
  }

  #grow() {
    if (CSS.supports("field-sizing", "content")) return; // the style sheet does it
    this.#field.style.blockSize = "auto";
    this.#field.style.blockSize = `${this.#field.scrollHeight}px`;
  }
}
