// @ts-check
/**
 * The list of conversations: found, opened, renamed, pinned, exported, deleted and had back.
 *
 * The list is drawn anew only when other conversations stand in it, or in another order; then the focus goes on at the
 * same conversation.
 */

import { byPeriod } from "../conversations/periods.js";
import { found, terms } from "../conversations/search.js";
import { download } from "../download.js";
import { make, part } from "../templates.js";
import { text } from "../text.js";
import { Undo } from "./undo.js";

/**
 * @typedef {import("../conversations/tree.js").Conversation} Conversation
 * @typedef {import("../conversations/store.js").Hit} Hit
 * @typedef {import("../library.js").Library} Library
 */

/** conversations that are listed before the reader asks for more */
const LISTED = 100;
/** ms without typing before a search begins */
const TYPING = 150;

export class List {
  #element;
  #library;
  #menu;
  #announcer;
  #search;
  #list;
  #undo;
  /** @type {Conversation[]} */
  #conversations = [];
  /** @type {Map<string, HTMLElement>} entries by conversation */
  #entries = new Map();
  #drawn = "";
  #limit = LISTED;
  #current = "";
  /** @type {Set<string>} */
  #writing = new Set();
  #searching = new AbortController();
  /** @type {Map<string, Hit["snippet"]> | null} what was found; null when nothing is searched for */
  #hits = null;

  /**
   * @param {HTMLElement} element
   * @param {Library} library
   * @param {import("../menu.js").Menu} menu
   * @param {import("../announcer.js").Announcer} announcer
   */
  constructor(element, library, menu, announcer) {
    this.#element = element;
    this.#library = library;
    this.#menu = menu;
    this.#announcer = announcer;
    this.#list = part(element, "list");
    this.#search = /** @type {HTMLInputElement} */ (part(element, "search"));
    /** @type {ReturnType<typeof setTimeout>} */
    let timer;
    this.#search.addEventListener("input", () => {
      clearTimeout(timer);
      timer = setTimeout(() => void this.#find(), TYPING);
    });
    part(element, "more").addEventListener("click", () => {
      this.#limit = Infinity;
      this.#draw();
    });
    this.#undo = new Undo(part(element, "undo"));
    this.#undo.onUndo = (conversation) => void this.#undelete(conversation);
    this.#undo.onExpire = ({ id }) => void library.purge(id);
  }

  /** Something about some conversation has changed. */
  async refresh() {
    this.#conversations = await this.#library.list();
    this.#draw();
  }

  /** @param {string} id  of the conversation that is open */
  set current(id) {
    this.#current = id;
    this.#mark();
  }

  /** @param {string} id @param {boolean} writing  an answer in it is being written */
  write(id, writing) {
    if (writing) this.#writing.add(id);
    else this.#writing.delete(id);
    this.#mark();
  }

  // Drawing

  #draw() {
    const groups = this.#groups();
    const shown = JSON.stringify(groups.map(({ title, members }) => [title, members.map(({ id }) => id)]));
    if (shown !== this.#drawn) this.#drawList(groups);
    this.#drawn = shown;
    for (const conversation of groups.flatMap(({ members }) => members)) this.#fill(conversation);
    this.#mark();
    part(this.#element, "more").hidden = this.#hits !== null || this.#conversations.length <= this.#limit;
    const empty = part(this.#element, "empty");
    empty.hidden = groups.length > 0;
    empty.textContent = this.#hits ? text.nothingFound : text.page.noConversations;
  }

  /** @returns {{title: string, members: Conversation[]}[]} */
  #groups() {
    const hits = this.#hits;
    if (hits) {
      const members = this.#conversations.filter(({ id }) => hits.has(id)).sort((a, b) => b.changed - a.changed);
      return members.length > 0 ? [{ title: text.found(members.length), members: members.slice(0, LISTED) }] : [];
    }
    let left = this.#limit;
    return byPeriod(this.#conversations, Date.now())
      .map(({ period, conversations }) => {
        const members = conversations.slice(0, left);
        left -= members.length;
        return { title: text.period[period], members };
      })
      .filter(({ members }) => members.length > 0);
  }

  /** @param {{title: string, members: Conversation[]}[]} groups */
  #drawList(groups) {
    const focused = /** @type {HTMLElement | null} */ (document.activeElement);
    const at = focused?.closest("[data-conversation]")?.getAttribute("data-conversation");
    const before = this.#entries;
    this.#entries = new Map();
    const sections = groups.map(({ title, members }) => {
      const section = make("entries");
      part(section, "title").textContent = title;
      for (const { id } of members) {
        const entry = before.get(id) ?? this.#entry(id);
        this.#entries.set(id, entry);
        part(section, "members").append(entry);
      }
      return section;
    });
    this.#list.replaceChildren(...sections);
    if (at != null && this.#entries.has(at)) focused?.focus();
  }

  /** @param {string} id */
  #entry(id) {
    const entry = make("entry");
    entry.dataset.conversation = id;
    /** @type {HTMLAnchorElement} */ (part(entry, "link")).href = `#${id}`;
    const more = part(entry, "actions");
    more.addEventListener("click", () => this.#open(id, more));
    return entry;
  }

  /** @param {Conversation} conversation */
  #fill({ id, title, pinned }) {
    const entry = this.#entries.get(id);
    if (!entry) return;
    const shown = title || text.untitled;
    if (part(entry, "title").textContent !== shown) part(entry, "title").textContent = shown;
    part(entry, "actions").ariaLabel = part(entry, "actions").title = text.actionsFor(shown);
    part(entry, "pinned").hidden = !pinned;
    const hit = this.#hits?.get(id);
    const line = part(entry, "snippet");
    line.hidden = !hit;
    if (!hit) return;
    const mark = document.createElement("mark");
    mark.textContent = hit.hit;
    line.replaceChildren(hit.before, mark, hit.after);
  }

  #mark() {
    for (const [id, entry] of this.#entries) {
      const link = part(entry, "link");
      if (id === this.#current) link.setAttribute("aria-current", "page");
      else link.removeAttribute("aria-current");
      part(entry, "writing").hidden = !this.#writing.has(id);
    }
  }

  // Searching

  async #find() {
    this.#searching.abort();
    this.#searching = new AbortController();
    const { signal } = this.#searching;
    const wanted = terms(this.#search.value);
    if (wanted.length === 0) {
      this.#hits = null;
      return this.#draw();
    }
    const hits = new Map(
      this.#conversations.filter(({ title }) => found(title, wanted)).map(({ id }) => [id, /** @type {any} */ (null)]),
    );
    for await (const hit of this.#library.search(wanted, signal)) hits.set(hit.conversation, hit.snippet);
    if (signal.aborted) return;
    this.#hits = hits;
    this.#draw();
    this.#announcer.say(text.found(this.#entries.size));
  }

  // What can be done with one

  /** @param {string} id @param {HTMLElement} opener */
  #open(id, opener) {
    const conversation = this.#conversations.find((one) => one.id === id);
    if (!conversation) return;
    const { pinned, title } = conversation;
    this.#menu.open(opener, text.actionsFor(title || text.untitled), [
      { label: text.rename, icon: "edit", onChoose: () => void this.#rename(conversation) },
      { label: pinned ? text.unpin : text.pin, icon: "pin", onChoose: () => void this.#library.pin(id, !pinned) },
      {
        label: text.exportMarkdown,
        icon: "download",
        onChoose: async () => download(await this.#library.asMarkdown(conversation), title || text.untitled, "md"),
      },
      {
        label: text.exportJson,
        icon: "download",
        onChoose: async () => download(await this.#library.asFile([conversation]), title || text.untitled, "json"),
      },
      { label: text.delete, icon: "delete", grave: true, onChoose: () => void this.#delete(conversation) },
    ]);
  }

  /** @param {Conversation} conversation */
  async #rename({ id, title }) {
    const { rename } = await import("./rename.js");
    const entry = this.#entries.get(id);
    if (!entry) return;
    rename(entry, title, {
      onSave: (changed) => void this.#library.rename(id, changed),
      focus: part(entry, "link"),
    });
  }

  /** @param {Conversation} conversation */
  async #delete(conversation) {
    await this.#library.delete(conversation.id);
    this.#undo.offer(conversation);
    this.#announcer.say(text.deleted(conversation.title || text.untitled));
  }

  /** @param {Conversation} conversation */
  async #undelete(conversation) {
    await this.#library.undelete(conversation);
    await this.refresh();
    this.#announcer.say(text.restored);
    const entry = this.#entries.get(conversation.id);
    if (entry) part(entry, "link").focus();
  }
}
