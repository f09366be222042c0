// @ts-check
/** Copying, and saying on the button itself that it worked. */

import { text } from "./text.js";

/** ms */
const SHOWN = 2000;

/** @param {string} what @param {HTMLButtonElement} button  with an icon, or with words */
export async function copyText(what, button) {
  if (!(await write(what)) || "done" in button.dataset) return;
  const icon = button.querySelector("use");
  const before = { icon: icon?.getAttribute("href") ?? "", label: button.ariaLabel, words: button.textContent };
  const say = (/** @type {string | null} */ label, /** @type {string} */ href, /** @type {string | null} */ words) => {
    if (!icon) button.textContent = words;
    else {
      icon.setAttribute("href", href);
      button.ariaLabel = button.title = label ?? "";
    }
  };
  button.dataset.done = "";
  say(text.copied, "#icon-check", text.copied);
  setTimeout(() => {
    delete button.dataset.done;
    say(before.label, before.icon, before.words);
  }, SHOWN);
}

/** @param {string} what @returns {Promise<boolean>} whether it is in the clipboard */
async function write(what) {
  try {
    await navigator.clipboard.writeText(what);
    return true;
  } catch {
    return writeByCommand(what); // a page that is not served securely has no clipboard of that kind
  }
}

/** @param {string} what */
function writeByCommand(what) {
  const give = (/** @type {ClipboardEvent} */ event) => {
    event.clipboardData?.setData("text/plain", what);
    event.preventDefault();
    event.stopImmediatePropagation();
  };
  addEventListener("copy", give, { capture: true });
  const done = document.execCommand("copy");
  removeEventListener("copy", give, { capture: true });
  return done;
}
