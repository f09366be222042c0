// @ts-check
/** What the reader asked, files included. */

import { fileChip } from "./composer/tray.js";
import { promptText } from "./conversations/history.js";
import { make, part } from "./templates.js";
import { text } from "./text.js";

/** @typedef {import("./composer.js").Content} Content */
/** @typedef {import("./events.js").Json} Json */

/** @param {Content} content @returns {HTMLElement} */
export function promptView(content) {
  const element = make("prompt");
  element.setAttribute("aria-label", text.you);
  part(element, "title").textContent = text.you;
  const words = promptText(content);
  part(element, "text").textContent = words;
  part(element, "text").hidden = words === "";
  const files = typeof content === "string" ? [] : content.filter(({ type }) => type !== "text").map(fileOf);
  const list = part(element, "files");
  list.hidden = files.length === 0;
  list.setAttribute("aria-label", text.page.attachments);
  for (const file of files) {
    const chip = fileChip(file);
    part(chip, "remove").remove();
    list.append(chip);
  }
  return element;
}

/** The file that became this content block; images lose their name on the way. @param {Json} block */
function fileOf(block) {
  const data = String(block.source?.data ?? "");
  if (block.type === "image") {
    return { name: text.image, kind: /** @type {const} */ ("image"), bytes: data.length * 0.75, block };
  }
  const pdf = block.source?.media_type === "application/pdf";
  const kind = pdf ? /** @type {const} */ ("pdf") : /** @type {const} */ ("text");
  return { name: String(block.title ?? text.attach.kinds[kind]), kind, bytes: data.length * (pdf ? 0.75 : 1), block };
}
