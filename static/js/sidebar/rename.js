// @ts-check
/** A conversation's title, in the hands of the reader. */

import { LONGEST_TITLE } from "../conversations/title.js";
import { onEnter } from "../enter.js";
import { make } from "../templates.js";

/**
 * @param {HTMLElement} entry
 * @param {string} title
 * @param {{onSave: (title: string) => void, focus: HTMLElement}} how  `focus`: where the focus goes on
 */
export function rename(entry, title, { onSave, focus }) {
  const field = /** @type {HTMLInputElement} */ (make("rename"));
  field.maxLength = LONGEST_TITLE;
  field.value = title;
  /** @param {boolean} keep */
  const close = (keep) => {
    if (entry.dataset.renaming === undefined) return; // removing the field blurs it
    delete entry.dataset.renaming;
    const focused = document.activeElement === field;
    field.remove();
    if (focused) focus.focus();
    if (keep) onSave(field.value);
  };
  onEnter(field, () => close(true));
  field.addEventListener("blur", () => close(true));
  field.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || event.isComposing) return;
    event.preventDefault(); // ends neither the drawer nor an answer
    event.stopPropagation();
    close(false);
  });
  entry.dataset.renaming = "";
  entry.append(field);
  field.focus();
  field.select();
}
