// @ts-check
/** The files that go along with the next message: picked, pasted or dropped; each can be taken out again. */

import { make, part } from "../templates.js";
import { text } from "../text.js";
import { showPicture } from "./picture.js";

/** @typedef {import("../settings/options.js").Limits} Limits */
/** @typedef {import("./attachments.js").Attachment} Attachment */

export class Tray {
  /** @type {Attachment[]} */
  items = [];
  #list;
  #reading = 0;
  /** @type {Promise<unknown>} files are read one after the other */
  #last = Promise.resolve();

  onChange = () => {};
  /** @type {(words: string) => void} a file cannot go along */
  onProblem = () => {};
  /** What may go along; known once the gateway has told. @type {() => Limits | null} */
  limits = () => null;

  /** @param {HTMLElement} list */
  constructor(list) {
    this.#list = list;
  }

  /** Files are still being read. */
  get busy() {
    return this.#reading > 0;
  }

  /** @returns {import("./attachments.js").Kind[]} */
  get kinds() {
    return this.items.map(({ kind }) => kind);
  }

  /** @param {Iterable<File>} files */
  add(files) {
    for (const file of files) {
      this.#reading += 1;
      this.#last = this.#last.then(() => this.#read(file));
    }
    this.#changed();
  }

  /** Put these there instead, as from a stored draft. @param {Attachment[]} items */
  set(items) {
    this.items = [];
    this.#list.replaceChildren();
    for (const item of items) this.#put(item);
    this.#changed();
  }

  // Private

  /** @param {File} file */
  async #read(file) {
    try {
      const limits = this.limits();
      if (limits === null) return this.onProblem(text.attach.notYet);
      const { read } = await import("./attachments.js");
      const item = await read(file, limits);
      const images = this.kinds.filter((kind) => kind === "image").length;
      if (item.kind === "image" && images >= limits.images.max_count) {
        return this.onProblem(text.attach.tooMany(limits.images.max_count));
      }
      const size = [...this.items, item].reduce((sum, { block }) => sum + block.source.data.length, 0);
      if (size > limits.max_body_bytes) return this.onProblem(text.attach.tooMuch(limits.max_body_bytes));
      this.#put(item);
    } catch (error) {
      this.onProblem(this.#words(file.name, error));
    } finally {
      this.#reading -= 1;
      this.#changed();
    }
  }

  /** @param {string} name @param {any} error */
  #words(name, error) {
    const { attach } = text;
    switch (error?.why) {
      case "type":
        return attach.wrongType(name);
      case "size":
        return attach.tooLarge(name, error.most);
      case "empty":
        return attach.empty(name);
      default:
        return attach.broken(name);
    }
  }

  /** @param {Attachment} item */
  #put(item) {
    this.items.push(item);
    const chip = fileChip(item);
    const remove = /** @type {HTMLButtonElement} */ (part(chip, "remove"));
    remove.setAttribute("aria-label", text.attach.remove(item.name));
    remove.title = text.attach.remove(item.name);
    remove.addEventListener("click", () => {
      this.items.splice(this.items.indexOf(item), 1);
      const next = /** @type {HTMLElement | null} */ (
        (chip.nextElementSibling ?? chip.previousElementSibling)?.querySelector("button")
      );
      chip.remove();
      this.#changed();
      (next ?? document.getElementById("message"))?.focus();
    });
    this.#list.append(chip);
  }

  #changed() {
    this.#list.hidden = this.items.length === 0 && !this.busy;
    this.#list.toggleAttribute("data-busy", this.busy);
    this.onChange();
  }
}

/** A file as it stands in the tray and beside a message. @param {Attachment} item @returns {HTMLElement} */
export function fileChip({ name, kind, bytes, block }) {
  const chip = make("file");
  chip.dataset.kind = kind;
  part(chip, "name").textContent = name;
  part(chip, "kind").textContent = text.attach.kinds[kind];
  part(chip, "size").textContent = text.attach.size(bytes);
  const image = /** @type {HTMLImageElement} */ (part(chip, "image"));
  image.hidden = kind !== "image" || !showPicture(image, block);
  image.alt = name;
  return chip;
}
