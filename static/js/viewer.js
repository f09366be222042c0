// @ts-check
/** A picture or a text of the conversation in all its size, in a dialog. */

import { pictureOf, showPicture } from "./composer/picture.js";
import { download } from "./download.js";
import { part } from "./templates.js";
import { text } from "./text.js";

/** @typedef {import("./events.js").Json} Json */

/** Parts of a text, of some 2,000 characters, that end with a line: each is laid out by itself, however many there are. */
const PARTS = /.{1,2000}[^\n]*\n?/gs;

/**
 * Make a button show this; it is known to be something that the page can show.
 *
 * @param {HTMLElement} button
 * @param {string} name  of the file
 * @param {Json} block  an image, or a document that is text
 */
export function opens(button, name, block) {
  button.title = text.attach.open(name);
  button.addEventListener("click", () => view(name, block));
}

/** @param {string} name @param {Json} block */
function view(name, block) {
  const dialog = /** @type {HTMLDialogElement} */ (document.getElementById("viewer"));
  const content = part(dialog, "content");
  part(dialog, "name").textContent = name;
  content.replaceChildren(block.type === "image" ? picture(name, block) : words(String(block.source.data)));
  part(dialog, "save").onclick = () => save(name, block);
  dialog.onclose = () => content.replaceChildren();
  dialog.showModal();
}

/** @param {string} name @param {Json} block */
function picture(name, block) {
  const image = Object.assign(document.createElement("img"), { alt: name });
  showPicture(image, block);
  return image;
}

/** @param {string} data */
function words(data) {
  const pre = Object.assign(document.createElement("pre"), { tabIndex: 0, dir: "auto" });
  for (const [textContent] of data.matchAll(PARTS))
    pre.append(Object.assign(document.createElement("span"), { textContent }));
  return pre;
}

/** @param {string} name @param {Json} block */
function save(name, block) {
  const file = pictureOf(block) ?? new Blob([block.source.data], { type: "text/plain" });
  const [, title = "", kind = "txt"] = /^(.*?)(?:\.(\w{1,8}))?$/s.exec(name) ?? [];
  download(file, title, file.type.startsWith("image/") ? file.type.slice(6) : kind); // a picture may have been drawn anew
}
