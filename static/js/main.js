// @ts-check
/**
 * The page as it is needed to ask: text field, settings, session. What keeps, asks for and shows conversations is
 * loaded when there is one, or as soon as the reader begins to write (chat.js).
 */

import { Announcer } from "./announcer.js";
import { Desk } from "./desk.js";
import { watchNetwork } from "./network.js";
import { preference } from "./preferences.js";
import { Drawer } from "./sidebar/drawer.js";
import { serveFiles } from "./sidebar/files.js";
import { part } from "./templates.js";
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

/** @returns {Promise<Chat>} rejects when its module is not to be had; the next call tries again */
function chat() {
  opened ??= import("./chat.js").then(
    ({ Chat }) => {
      trouble.over(["unreachable"]);
      return new Chat(desk, announcer, trouble, drawer);
    },
    (error) => {
      opened = null;
      throw error;
    },
  );
  return opened;
}

/**
 * Do something as soon as that is possible.
 *
 * @param {(chat: Chat) => Promise<void>} act
 * @param {() => void} [undo]  when it is not: what the reader has written must not be lost
 */
async function withChat(act, undo = () => {}) {
  const before = opened;
  try {
    // what has been under way for a while may fail of what is over by now
    await act(await chat().catch((error) => (before ? chat() : Promise.reject(error))));
  } catch {
    undo();
    trouble.tell("unreachable");
  }
}

composer.onSend = (content, draft) =>
  void withChat(
    (it) => it.ask(content),
    () => composer.giveBack(draft),
  );
desk.onDraft = () => void chat().catch(() => {}); // the chat takes this over
desk.onExample = (prompt) => {
  void withChat((it) => it.ask(prompt));
  composer.invite(); // the button is gone
};
const begin = () => void withChat((it) => it.begin());
for (const button of /** @type {HTMLElement[]} */ ([byId("new"), part(byId("sidebar"), "new")])) {
  button.addEventListener("click", (event) => {
    event.preventDefault();
    begin();
  });
}
desk.shortcuts.add("newChat", "Mod+Shift+O", begin);
desk.shortcuts.add("search", "Mod+K", () => drawer.search());
desk.shortcuts.add("sidebar", "Mod+Shift+S", () => drawer.toggle());
serveFiles(byId("sidebar"), (act) => withChat(({ library }) => act(library)), {
  onProblem: (problem) => trouble.say(problem),
  onDone: (imported) => announcer.say(text.imports.done(imported)),
});

const known = location.hash !== "" || preference("conversations") !== null;
byId("welcome").hidden = known; // until it is clear what there is
const show = () => withChat(async () => {});
if (known) void show();
else addEventListener("storage", () => void show(), { once: true }); // another tab has begun a conversation
watchNetwork(trouble);
void desk.load();
