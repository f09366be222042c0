// @ts-check
/** Copying, and saying that it worked on the button itself. */

/** ms */
const SHOWN = 2000;

/** @param {string} what @param {HTMLButtonElement} button */
export async function copyText(what, button) {
  await navigator.clipboard?.writeText(what).then(
    () => {
      button.dataset.done = "";
      setTimeout(() => delete button.dataset.done, SHOWN);
    },
    () => {}, // no permission: nothing was promised
  );
}
