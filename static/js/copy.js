// @ts-check
/** Copying, and saying on the button itself that it worked. */

import { text } from "./text.js";

/** ms */
const SHOWN = 2000;

/**
 * @param {string} what
 * @param {HTMLButtonElement} button  with an icon, or with words
 * @param {string} [rich]  the same as HTML, for programs that take it
 */
export async function copyText(what, button, rich) {
  const forms = { "text/plain": what, ...(rich === undefined ? {} : { "text/html": rich }) };
  if (!(await write(forms)) || "done" in button.dataset) return;
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

/** What is copied, by media type. @typedef {Record<string, string>} Forms */

/** @param {Forms} forms @returns {Promise<boolean>} whether it is in the clipboard */
async function write(forms) {
  try {
    const blobs = Object.entries(forms).map(([type, data]) => [type, new Blob([data], { type })]);
    await navigator.clipboard.write([new ClipboardItem(Object.fromEntries(blobs))]);
    return true;
  } catch {
    return writeByCommand(forms); // a page that is not served securely has no clipboard of that kind
  }
}

/** @param {Forms} forms */
function writeByCommand(forms) {
  const give = (/** @type {ClipboardEvent} */ event) => {
    for (const [type, data] of Object.entries(forms)) event.clipboardData?.setData(type, data);
    event.preventDefault();
    event.stopImmediatePropagation();
  };
  addEventListener("copy", give, { capture: true });
  const done = document.execCommand("copy");
  removeEventListener("copy", give, { capture: true });
  return done;
}
