// @ts-check
/**
 * Introduces what keeps, asks for and shows conversations.
 *
 *   desk ─content→ workspace (the open conversation) ─reply→ generations ⇄ store (IndexedDB, other tabs)
 *                      │                                          │
 *                    thread ←──────────── answer: connection → sse → events → transcript → typewriter → view
 *
 *   sidebar ⇄ library ⇄ store
 */

import { openDisk } from "./conversations/database.js";
import { Store } from "./conversations/store.js";
import { Generations } from "./generations.js";
import { Library } from "./library.js";
import { serveProse } from "./markdown/actions.js";
import { Menu } from "./menu.js";
import { prefer } from "./preferences.js";
import { Follower } from "./scroll.js";
import { serveCopying } from "./selection.js";
import { List } from "./sidebar/list.js";
import { Spoken } from "./spoken.js";
import { surroundings, tabs } from "./surroundings.js";
import { text } from "./text.js";
import { Thread } from "./thread.js";
import { Workspace } from "./workspace.js";

/** @typedef {import("./generations.js").Generation} Generation */

/** States that the reader is told of. @type {Set<import("./connection.js").State>} */
const WAITS = new Set(["queued", "unanswered", "reconnecting", "offline"]);

/** @param {string} id */
const byId = (id) => /** @type {HTMLElement} */ (document.getElementById(id));

export class Chat {
  #desk;
  #announcer;
  #trouble;
  #drawer;
  #store;
  #generations;
  #follower = new Follower(byId("scroller"));
  #menu = new Menu(byId("menu"));
  #spoken = new Spoken(byId("spoken"));
  #thread;
  #workspace;
  #list;
  /** An answer has ended that nobody has looked at. */
  #unseen = false;
  library;

  /**
   * @param {import("./desk.js").Desk} desk
   * @param {import("./announcer.js").Announcer} announcer
   * @param {import("./trouble.js").Trouble} trouble
   * @param {import("./sidebar/drawer.js").Drawer} drawer
   */
  constructor(desk, announcer, trouble, drawer) {
    this.#desk = desk;
    this.#announcer = announcer;
    this.#trouble = trouble;
    this.#drawer = drawer;
    const around = surroundings(desk.session);
    this.#store = new Store(this.#openDatabase(), tabs.channel("claude-gateway"));
    this.#generations = new Generations(this.#store, around, tabs);
    this.#thread = new Thread(byId("log"), this.#follower, this.#generations);
    this.#workspace = new Workspace(this.#store, this.#generations, this.#thread, desk.composer);
    this.library = new Library(this.#store, around.fetch);
    this.#list = new List(byId("sidebar"), this.library, this.#menu, announcer);
    this.#serveAsking();
    this.#serveAnswers();
    this.#serveConversations();
    this.#serveSurroundings();
    prefer("conversations", "some"); // or a draft: the next visit loads all this at once
    void this.#begin();
  }

  /** Ask in the conversation that is open. @param {import("./composer.js").Content} content */
  ask(content) {
    return this.#workspace.ask(content);
  }

  /** Begin a new conversation. */
  async begin() {
    this.#drawer.close();
    await this.#workspace.begin();
    this.#desk.composer.focus();
  }

  /** Where conversations are kept: in memory, where the browser keeps nothing. */
  async #openDatabase() {
    try {
      const disk = await openDisk(indexedDB);
      disk.onLost = () => this.#trouble.tell("lost");
      return disk;
    } catch {
      this.#trouble.tell("memory");
      const { Memory } = await import("./conversations/memory.js");
      return new Memory();
    }
  }

  async #begin() {
    await this.#generations.resume(Date.now());
    await this.#workspace.visit();
    if (document.activeElement === document.body) this.#desk.composer.invite(); // else the reader has gone on already
    await this.#list.refresh();
    await this.library.purgeExpired();
  }

  /** Open what the address says. */
  async #visit() {
    this.#drawer.close();
    await this.#workspace.visit();
    this.#desk.composer.invite();
  }

  #serveAsking() {
    const { composer, settings } = this.#desk;
    const workspace = this.#workspace;
    composer.onEditLast = () => this.#thread.editLast();
    composer.onStop = () => void workspace.writing?.connection.stop();
    this.#desk.onDraft = () => workspace.touchDraft();
    this.#desk.request = (content) => workspace.request(content);
    workspace.frame = () => settings.frame();
    workspace.parameters = () => settings.parameters();
    workspace.onAsk = () => this.#follower.toEnd();
    workspace.onOpen = ({ id, record, path }) => {
      byId("welcome").hidden = path.length > 0;
      this.#offerLatest();
      this.#entitle();
      byId("title").textContent = record.title || "claude-gateway";
      byId("title").toggleAttribute("data-named", record.title !== "");
      this.#list.current = id;
      this.#desk.changed();
    };
    this.#thread.onAgainMenu = (reply, opener) =>
      this.#menu.open(opener, text.again, [
        { label: text.again, icon: "again", onChoose: () => workspace.again(reply) },
        ...settings.models
          .filter(({ id }) => id !== reply.transcript.model)
          .map(({ id, display_name }) => ({
            label: text.againWith(display_name ?? id),
            onChoose: () => workspace.again(reply, { model: id }),
          })),
      ]);
  }

  #serveAnswers() {
    const generations = this.#generations;
    generations.onBegin = (generation) => {
      const { reply, answer } = generation;
      this.#list.write(reply.conversation, true);
      let waited = false;
      answer.onState = (state) => {
        const waits = WAITS.has(state);
        const goesOn = waited && state === "streaming" && generation.announced;
        waited = waits || (waited && state === "connecting");
        if (!(waits || goesOn) || this.#workspace.conversation.id !== reply.conversation) return;
        this.#announcer.say(waits ? text.state[state] : text.status.answering);
      };
    };
    generations.onEvent = (generation, event) => {
      if (this.#workspace.writing !== generation) return;
      this.#spoken.follow(generation.answer.view.element);
      if (generation.announced) return;
      if (event.type === "block_start" && event.kind === "thinking") this.#announcer.say(text.status.thinking);
      generation.announced = event.type === "text";
      if (generation.announced) this.#announcer.say(text.status.answering);
    };
    generations.onEnd = async (generation, elsewhere) => {
      const { reply } = generation;
      this.#list.write(reply.conversation, generations.in(reply.conversation).length > 0);
      this.#unseen = document.hidden;
      await this.#workspace.end(generation, elsewhere);
      this.#entitle();
      if (this.#workspace.conversation.id === reply.conversation) this.#ended(generation);
    };
  }

  /** Say how it ended. @param {Generation} generation */
  #ended({ reply, answer }) {
    this.#spoken.end(answer.view.element);
    const { terminal } = reply.transcript;
    const cancelled = terminal?.type === "done" && terminal.stop_reason === "cancelled";
    const failed = reply.unfinished || answer.failure; // an alert tells how
    if (cancelled || reply.unfinished?.kind === "stopped") this.#announcer.say(text.status.stopped);
    else this.#announcer.say(failed ? "" : text.status.complete(answer.words));
  }

  /** What the tab says. */
  #entitle() {
    const { title } = this.#workspace.conversation.record;
    const name = title ? text.windowTitle(title) : "claude-gateway";
    document.title = this.#unseen ? `✓ ${name}` : name;
  }

  #serveConversations() {
    const store = this.#store;
    store.onTrouble = (kind) => this.#trouble.tell(kind);
    store.onRelief = () => this.#trouble.over(["full", "broken"]);
    store.onWritten = ({ conversations }) => {
      if (conversations.length > 0) void this.#list.refresh();
    };
    store.onChange = (news) => {
      store.onWritten(news);
      void this.#workspace.learn(news);
    };
    this.library.onPurge = (id) => this.#generations.forget(id);
    this.library.onChange = (id, how) => this.#workspace.adopt(id, how);
    addEventListener("popstate", () => void this.#visit()); // a link to a conversation too
  }

  /** A way back to the end, where there is one and the reader is elsewhere. */
  #offerLatest() {
    byId("latest").hidden = this.#follower.following || this.#workspace.conversation.path.length === 0;
  }

  #serveSurroundings() {
    const follower = this.#follower;
    follower.onChange = () => this.#offerLatest();
    byId("latest").addEventListener("click", () => follower.toEnd());
    serveProse(byId("log"));
    serveCopying(byId("log"));
    const save = () => {
      this.#generations.save();
      this.#workspace.saveDraft();
    };
    addEventListener("online", () => this.#generations.revive());
    addEventListener("pagehide", save);
    document.addEventListener("visibilitychange", () => {
      if (document.hidden)
        save(); // a phone may never come back to it
      else {
        this.#unseen = false;
        this.#entitle();
        this.#generations.wake();
      }
    });
  }
}
