// @ts-check
/**
 * Where the reader writes: a growing text field, files that go along, and one button that sends or stops.
 *
 * It is the same button in both states, so the focus stays where it is when an answer begins or ends.
 */

import { Tray } from "./composer/tray.js";
import { onEnter } from "./enter.js";
import { part } from "./templates.js";
import { text } from "./text.js";

/** What a user's message says, in Claude's shape. @typedef {string | import("./events.js").Json[]} Content */

/** @typedef {{words: string, files: import("./composer/attachments.js").Attachment[]}} Draft */

/** Both, one below the other. @param {Draft | undefined} first @param {Draft | undefined} then */
export function joined(first, then) {
  return {
    words: [first?.words, then?.words].filter(Boolean).join("\n\n"),
    files: [...(first?.files ?? []), ...(then?.files ?? [])],
  };
}

export class Composer {
  tray;
  #form;
  #field;
  #button;
  #problem;
  #busy = false;
  #stopping = false;

  /** @type {(content: Content, draft: Draft) => void} the draft is what it was made from */
  onSend = () => {};
  onStop = () => {};
  /** The reader wants to word the last question otherwise. */
  onEditLast = () => {};
  /** The draft changed. */
  onChange = () => {};
  /** Why this draft cannot be sent, if so. @type {() => string | null} */
  objection = () => null;

  /** @param {HTMLFormElement} form */
  constructor(form) {
    this.#form = form;
    this.#field = /** @type {HTMLTextAreaElement} */ (form.querySelector("textarea"));
    this.#button = /** @type {HTMLButtonElement} */ (part(form, "act"));
    this.#problem = part(form, "problem");
    this.tray = new Tray(part(form, "tray"));
    this.tray.onChange = () => this.#changed();
    this.tray.onProblem = (words) => this.complain(words);
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      if (this.#busy) this.stop();
      else this.#send();
    });
    onEnter(this.#field, () => this.#send());
    this.#field.addEventListener("keydown", (event) => {
      if (event.key !== "ArrowUp" || event.isComposing || this.draft) return;
      event.preventDefault();
      this.onEditLast();
    });
    this.#field.addEventListener("input", () => {
      this.#problem.replaceChildren();
      this.#changed();
    });
    this.#takeFiles();
    this.#label();
  }

  /** What is written and attached but not sent; undefined when nothing is. @returns {Draft | undefined} */
  get draft() {
    const { value: words } = this.#field;
    const { items: files } = this.tray;
    return words === "" && files.length === 0 ? undefined : { words, files };
  }

  /** @param {Draft | undefined} draft */
  set draft(draft) {
    this.#problem.replaceChildren();
    this.#field.value = draft?.words ?? "";
    this.tray.set(draft?.files ?? []);
    this.#changed();
  }

  /** What could not be sent stands there again, before what has been written since. @param {Draft} draft */
  giveBack(draft) {
    this.draft = joined(draft, this.draft);
  }

  /** Text and files as Claude gets them, files first; null when there is nothing to say. @returns {Content | null} */
  get content() {
    const words = this.#field.value.trim();
    const files = this.tray.items.map(({ block }) => block);
    if (files.length === 0) return words || null;
    return words ? [...files, { type: "text", text: words }] : files;
  }

  focus() {
    this.#field.focus();
  }

  /** Let the reader go on writing, unless that opens a keyboard on the screen: it would hide what there is to read. */
  invite() {
    if (!matchMedia("(pointer: coarse)").matches) this.focus();
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

  /** Say at the text field what is wrong; typing on takes it away. @param {string} words */
  complain(words) {
    const line = document.createElement("p");
    line.role = "alert";
    line.textContent = words;
    this.#problem.append(line);
  }

  // Private

  #send() {
    const { content, draft = { words: "", files: [] } } = this;
    const unread = this.#unread();
    if (this.#busy || (content === null && unread === null)) return;
    this.#problem.replaceChildren();
    const objection = unread ?? this.objection();
    if (content === null || objection !== null) return this.complain(objection ?? "");
    this.#field.value = "";
    this.tray.set([]);
    this.onSend(content, draft);
  }

  /** Why files cannot go along yet, if so. */
  #unread() {
    if (!this.tray.waits) return this.tray.busy ? text.attach.reading : null;
    this.tray.retry();
    return text.attach.notYet;
  }

  #takeFiles() {
    const input = /** @type {HTMLInputElement} */ (part(this.#form, "files"));
    const take = (/** @type {Iterable<File>} */ files) => {
      this.#problem.replaceChildren();
      this.tray.add(files);
      this.invite();
    };
    part(this.#form, "attach").addEventListener("click", () => input.click());
    input.addEventListener("change", () => {
      take([...(input.files ?? [])]);
      input.value = ""; // so that the same file can be picked again
    });
    this.#field.addEventListener("paste", (event) => {
      const data = event.clipboardData;
      if (!data || data.files.length === 0) return;
      // office programs put a picture of the text beside the text: the text is meant; a file has at most its name
      if (data.types.includes("text/plain") && data.types.includes("text/html")) return;
      event.preventDefault();
      take(data.files);
    });
    const carries = (/** @type {DragEvent} */ event) => event.dataTransfer?.types.includes("Files");
    addEventListener("online", () => this.tray.retry());
    let depth = 0; // every element on the way reports entering and leaving
    const over = (/** @type {number} */ change) => {
      depth = Math.max(0, depth + change);
      document.body.toggleAttribute("data-drop", depth > 0);
    };
    addEventListener("dragenter", (event) => carries(event) && over(1));
    addEventListener("dragleave", (event) => carries(event) && over(-1));
    addEventListener("dragover", (event) => carries(event) && event.preventDefault());
    addEventListener("drop", (event) => {
      over(-depth);
      if (!carries(event)) return;
      event.preventDefault();
      take(event.dataTransfer?.files ?? []);
    });
  }

  #changed() {
    this.#form.toggleAttribute("data-empty", this.content === null);
    this.#grow();
    this.onChange();
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
