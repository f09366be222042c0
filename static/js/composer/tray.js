// @ts-check
/**
 * The files that go along with the next message: picked, pasted or dropped; each can be taken out again.
 *
 * What cannot be read yet, because the gateway has not said what it takes or is not there, waits until it can.
 */

import { make, part } from "../templates.js";
import { text } from "../text.js";
import { opens } from "../viewer.js";
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
  /** @type {Map<File, HTMLElement>} files that cannot be read yet, each with its chip */
  #waiting = new Map();

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

  /** Files wait for the gateway. */
  get waits() {
    return this.#waiting.size > 0;
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

  /** The gateway may be there now: read what waits. */
  retry() {
    if (!this.waits) return;
    const files = [...this.#waiting.keys()];
    for (const chip of this.#waiting.values()) chip.remove();
    this.#waiting.clear();
    this.add(files);
  }

  /** Put these there instead, as from a stored draft. What waits stays. @param {Attachment[]} items */
  set(items) {
    this.items = [];
    this.#list.replaceChildren(...this.#waiting.values());
    for (const item of items) this.#put(item);
    this.#changed();
  }

  // Private

  /** @param {File} file */
  async #read(file) {
    try {
      const limits = this.limits();
      // not to be had: the gateway is not there
      const reader = limits && (await import("./attachments.js").catch(() => null));
      if (!reader) return this.#wait(file);
      const { read } = reader;
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

  /** @param {File} file */
  #wait(file) {
    const chip = make("file");
    chip.dataset.waits = "";
    part(chip, "name").textContent = file.name;
    part(chip, "image").hidden = true;
    closed(chip);
    part(chip, "kind").textContent = text.attach.waits;
    part(chip, "size").textContent = text.attach.size(file.size);
    this.#waiting.set(file, chip);
    this.#removable(chip, file.name, () => this.#waiting.delete(file));
  }

  /** @param {Attachment} item */
  #put(item) {
    this.items.push(item);
    this.#removable(fileChip(item), item.name, () => this.items.splice(this.items.indexOf(item), 1));
  }

  /** @param {HTMLElement} chip @param {string} name @param {() => void} onRemove */
  #removable(chip, name, onRemove) {
    const remove = /** @type {HTMLButtonElement} */ (part(chip, "remove"));
    remove.setAttribute("aria-label", text.attach.remove(name));
    remove.title = text.attach.remove(name);
    remove.addEventListener("click", () => {
      onRemove();
      const next = chip.nextElementSibling ?? chip.previousElementSibling;
      chip.remove();
      this.#changed();
      (next ? part(next, "remove") : document.getElementById("message"))?.focus();
    });
    this.#list.append(chip);
  }

  #changed() {
    this.#list.hidden = this.items.length === 0 && !this.busy && !this.waits;
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
  if (!image.hidden || block.source?.type === "text") opens(part(chip, "open"), name, block);
  else closed(chip);
  return chip;
}

/** There is nothing to see in it. @param {HTMLElement} chip */
function closed(chip) {
  const open = part(chip, "open");
  const inside = Object.assign(document.createElement("span"), { className: open.className });
  inside.append(...open.childNodes);
  open.replaceWith(inside);
}
