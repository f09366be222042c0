// @ts-check
/**
 * Keys that do something wherever the focus is, and the sheet that tells them.
 *
 * `Mod` is Command on Apple's keyboards and Control elsewhere. A shortcut without it is a single key: it works only
 * outside of text fields, and not at all for readers who have switched those off (WCAG 2.2, 2.1.4); Escape is no
 * character and always works.
 */

import { preference } from "./preferences.js";
import { make, part } from "./templates.js";
import { text } from "./text.js";

/** @typedef {keyof import("./languages/en.js").Texts["shortcuts"]} Name */
/** @typedef {{name: Name, keys: string, run: () => void}} Shortcut */

/** Keys that the text field has by itself; they stand on the sheet too. @type {[Name, string][]} */
const WRITING = [
  ["send", "Enter"],
  ["newLine", "Shift+Enter"],
  ["editLast", "ArrowUp"],
];

/** What stands on the key, where its name is another. @type {Record<string, string>} */
const SHOWN = { Escape: "Esc", ArrowUp: "↑" };

const apple = () => /Mac|iPhone|iPad/.test(navigator.platform);

/**
 * Whether a key press is meant by `keys`, such as `Mod+Shift+O`.
 *
 * @param {string} keys
 * @param {Pick<KeyboardEvent, "key" | "ctrlKey" | "metaKey" | "shiftKey" | "altKey">} event
 * @param {boolean} mac
 */
export function matches(keys, event, mac) {
  const parts = keys.split("+");
  const key = parts.pop() ?? "";
  const wanted = parts.includes("Mod");
  if ((mac ? event.metaKey : event.ctrlKey) !== wanted || (mac ? event.ctrlKey : event.metaKey)) return false;
  if (event.altKey !== parts.includes("Alt")) return false;
  // of a character alone, Shift is how the keyboard makes it
  if ((wanted || key.length > 1) && event.shiftKey !== parts.includes("Shift")) return false;
  return event.key.toLowerCase() === key.toLowerCase();
}

export class Shortcuts {
  /** @type {Shortcut[]} */
  #all = [];

  constructor() {
    addEventListener("keydown", (event) => this.#pressed(event));
    this.add("sheet", "?", () => this.show());
  }

  /** @param {Name} name @param {string} keys @param {() => void} run */
  add(name, keys, run) {
    this.#all.push({ name, keys, run });
  }

  /** Show the sheet. */
  show() {
    const dialog = /** @type {HTMLDialogElement} */ (document.getElementById("shortcuts"));
    if (dialog.open) return;
    const rows = [...WRITING, ...this.#all.map(({ name, keys }) => /** @type {[Name, string]} */ ([name, keys]))];
    part(dialog, "list").replaceChildren(...rows.map(([name, keys]) => row(text.shortcuts[name], keys)));
    dialog.showModal();
  }

  /** @param {KeyboardEvent} event */
  #pressed(event) {
    if (event.defaultPrevented || event.isComposing || document.querySelector("dialog[open]")) return;
    const found = this.#all.find(({ keys }) => matches(keys, event, apple()));
    if (!found || (found.keys.length === 1 && (writing(event.target) || preference("keys") === "off"))) return;
    if (found.keys !== "Escape") event.preventDefault(); // it closes what else is open, too
    found.run();
  }
}

/** @param {EventTarget | null} target */
function writing(target) {
  return target instanceof HTMLElement && target.matches("input, textarea, select, [contenteditable]");
}

/** @param {string} words @param {string} keys */
function row(words, keys) {
  const item = make("shortcut");
  part(item, "words").textContent = words;
  part(item, "keys").replaceChildren(
    ...keys.split("+").map((key) => {
      const shown = key === "Mod" ? (apple() ? "⌘" : "Ctrl") : (SHOWN[key] ?? key);
      return Object.assign(document.createElement("kbd"), { textContent: shown });
    }),
  );
  return item;
}
