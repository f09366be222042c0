// @ts-check
/**
 * The page as it is needed to ask: text field, settings, session. What keeps, asks for and shows conversations is
 * loaded when there is one, or as soon as the reader begins to write (chat.js).
 */

import { Announcer } from "./announcer.js";
import { Desk } from "./desk.js";
import { preference } from "./preferences.js";
import { Drawer } from "./sidebar/drawer.js";
import { serveFiles } from "./sidebar/files.js";
import { localize, text } from "./text.js";
import { Trouble } from "./trouble.js";

/** @typedef {import("./chat.js").Chat} Chat */

/** @param {string} id @returns {any} */
const byId = (id) => document.getElementById(id);

localize(document);

const desk = new Desk();
const { composer } = desk;
const trouble = new Trouble(byId("trouble"));
const announcer = new Announcer(byId("status"));
const drawer = new Drawer(byId("sidebar"), byId("drawer"), byId("conversations"));

/** @type {Promise<Chat> | null} */
let opened = null;

/** @returns {Promise<Chat>} */
function chat() {
  opened ??= import("./chat.js").then(({ Chat }) => new Chat(desk, announcer, trouble, drawer));
  return opened;
}

/** Ask as soon as that is possible; what was written is not lost when it is not. @param {import("./composer.js").Content} content */
async function ask(content) {
  const { draft } = composer; // empty, unless the reader writes on
  try {
    await (await chat()).ask(content);
  } catch {
    opened = null;
    composer.draft = draft ?? { words: typeof content === "string" ? content : "", files: [] };
    trouble.tell("unreachable");
  }
}

composer.onSend = (content) => void ask(content);
desk.onDraft = () => void chat().catch(() => (opened = null)); // the chat takes this over
desk.onExample = (prompt) => {
  void ask(prompt);
  composer.focus(); // the button is gone
};
serveFiles(byId("sidebar"), async () => (await chat()).library, {
  onProblem: (problem) => trouble.say(problem),
  onDone: (imported) => announcer.say(text.imports.done(imported)),
});

const known = location.hash !== "" || preference("conversations") !== null;
byId("welcome").hidden = known; // until it is clear what there is
if (known) void chat();
else addEventListener("storage", () => void chat(), { once: true }); // another tab has begun a conversation
void desk.load();
