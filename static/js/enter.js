// @ts-check
/**
 * Enter sends, but not the Enter that ends a composition (of Japanese, say): Safari reports that one after the
 * composition has ended, so the flag lives one task longer.
 */

/** On a phone Enter is the only way to a new line. */
const TOUCH = "(pointer: coarse) and (hover: none)";

/** @param {HTMLInputElement | HTMLTextAreaElement} field @param {() => void} send */
export function onEnter(field, send) {
  let composing = false;
  field.addEventListener("compositionstart", () => (composing = true));
  field.addEventListener("compositionend", () => setTimeout(() => (composing = false)));
  field.addEventListener("keydown", (/** @type {any} */ event) => {
    const within = event.isComposing || event.keyCode === 229 || composing;
    if (event.key !== "Enter" || event.shiftKey || event.altKey || within) return;
    const multiline = field instanceof HTMLTextAreaElement;
    if (multiline && matchMedia(TOUCH).matches && !event.ctrlKey && !event.metaKey) return;
    event.preventDefault();
    send();
  });
}
