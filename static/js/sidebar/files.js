// @ts-check
/** Conversations out of this device, and into it. */

import { part } from "../templates.js";
import { text } from "../text.js";

/** ms: a browser has begun a download by then */
const BEGUN = 60_000;
/** characters of a file's name */
const LONGEST_NAME = 80;

/** Let the reader keep a file. @param {Blob} blob @param {string} title @param {"md" | "json"} kind */
export function download(blob, title, kind) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = `${fileName(title)}.${kind}`;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), BEGUN);
}

/** Without what some system refuses in a name, or takes for a path. @param {string} title */
function fileName(title) {
  const plain = title
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is to go
    .replace(/[\\/:*?"<>|\u0000-\u001f\u007f\u200e\u200f\u202a-\u202e\u2066-\u2069]+/g, " ")
    .replace(/\s+/g, " ")
    .replace(/^[\s.]+|[\s.]+$/g, "");
  return Array.from(plain).slice(0, LONGEST_NAME).join("").trim() || "conversation";
}

/**
 * The buttons that take in a file, and hand out everything.
 *
 * @param {HTMLElement} element
 * @param {(act: (library: import("../library.js").Library) => Promise<void>) => void} withLibrary  once there is one
 * @param {{onProblem: (problem: string) => void, onDone: (imported: number) => void}} how
 */
export function serveFiles(element, withLibrary, { onProblem, onDone }) {
  const chooser = /** @type {HTMLInputElement} */ (part(element, "file"));
  part(element, "import").addEventListener("click", () => chooser.click());
  part(element, "export").addEventListener("click", () =>
    withLibrary(async (all) => download(await all.asFile(await all.list()), text.allConversations, "json")),
  );
  chooser.addEventListener("change", () => {
    const [file] = chooser.files ?? [];
    chooser.value = ""; // the same file may be chosen again
    if (!file) return;
    withLibrary(async (all) => {
      const outcome = await all.takeIn(file);
      if ("problem" in outcome) onProblem(outcome.problem);
      else onDone(outcome.imported);
    });
  });
}
