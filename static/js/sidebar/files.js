// @ts-check
/** Conversations out of this device, and into it. */

import { download } from "../download.js";
import { part } from "../templates.js";
import { text } from "../text.js";

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
