// @ts-check
/** What the reader asked, files included, to be copied and asked in other words. */

import { fileChip } from "./composer/tray.js";
import { promptText } from "./conversations/history.js";
import { copyText } from "./copy.js";
import { make, part } from "./templates.js";
import { text } from "./text.js";

/** @typedef {import("./composer.js").Content} Content */
/** @typedef {import("./events.js").Json} Json */

/** characters and lines after which a question is folded */
const LONG = 1200;
const TALL = 16;

/**
 * @param {{content: Content, created: number}} prompt
 * @param {(words: string) => void} onEdit
 * @returns {HTMLElement}
 */
export function promptView({ content, created }, onEdit) {
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
  if (words.length > LONG || words.split("\n", TALL + 1).length > TALL) fold(element);
  const tools = actions(element, words, onEdit);
  const time = /** @type {HTMLTimeElement} */ (part(tools, "time"));
  Object.assign(time, {
    dateTime: new Date(created).toISOString(),
    textContent: text.at(created),
    title: text.atLength(created),
  });
  element.append(tools);
  return element;
}

/** Show the beginning alone, until the reader wants all of it. @param {HTMLElement} element */
function fold(element) {
  const button = part(element, "more");
  const show = (/** @type {boolean} */ folded) => {
    element.toggleAttribute("data-folded", folded);
    button.textContent = folded ? text.page.showAll : text.showLess;
    button.ariaExpanded = String(!folded);
  };
  show(true);
  button.hidden = false;
  button.addEventListener("click", () => {
    show(!element.hasAttribute("data-folded"));
    element.scrollIntoView({ block: "nearest" }); // its beginning, when it was folded from far below
  });
}

/** @param {HTMLElement} element @param {string} words @param {(words: string) => void} onEdit */
function actions(element, words, onEdit) {
  const tools = make("prompt-actions");
  const copy = /** @type {HTMLButtonElement} */ (part(tools, "copy"));
  copy.addEventListener("click", () => void copyText(words, copy));
  const edit = part(tools, "edit");
  edit.addEventListener("click", async () => {
    const { editForm } = await import("./edit.js");
    const before = document.activeElement;
    const form = editForm(words, {
      onSave: onEdit,
      onClose: () => {
        delete element.dataset.editing;
        form.remove();
        (before instanceof HTMLElement && before !== document.body ? before : edit).focus();
      },
    });
    element.dataset.editing = "";
    element.append(form);
    form.querySelector("textarea")?.focus();
  });
  return tools;
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
