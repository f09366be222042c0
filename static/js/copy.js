// @ts-check
/** Copying, and saying that it worked on the button itself. */

import { text } from "./text.js";

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

/** Serve every copy button in the conversation's code blocks. @param {HTMLElement} log */
export function serveCode(log) {
  log.addEventListener("click", async ({ target }) => {
    if (!(target instanceof HTMLButtonElement) || target.className !== "code__copy") return;
    const code = target.closest(".code")?.querySelector("code");
    if (!code) return;
    if (!navigator.clipboard) return getSelection()?.selectAllChildren(code); // not a secure page: the reader copies
    await copyText(code.textContent ?? "", target);
    if (target.dataset.done === undefined) return;
    target.textContent = text.copied;
    setTimeout(() => (target.textContent = text.copy), SHOWN);
  });
}
