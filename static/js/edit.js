// @ts-check
/** A prompt, in the hands of its writer once more. */

import { onEnter } from "./enter.js";
import { make, part } from "./templates.js";

/**
 * @param {string} text
 * @param {{onSave: (text: string) => void, onClose: () => void}} how
 */
export function editForm(text, { onSave, onClose }) {
  const form = /** @type {HTMLFormElement} */ (make("edit"));
  const field = /** @type {HTMLTextAreaElement} */ (part(form, "field"));
  field.value = text;
  const save = () => {
    const changed = field.value.trim();
    if (changed === "") return field.focus();
    onClose();
    onSave(changed);
  };
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    save();
  });
  onEnter(field, save);
  part(form, "cancel").addEventListener("click", onClose);
  form.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || event.isComposing) return;
    event.stopPropagation(); // leaves the form, and does not stop an answer
    onClose();
  });
  return form;
}
