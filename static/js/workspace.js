// @ts-check
/**
 * Which conversation is open in this tab, and what happens in it.
 *
 * The address says which one it is (`#id`), so that a reload, a restored tab and the browser's history find it again.
 * Answers of the others go on being written meanwhile.
 */

import { joined } from "./composer.js";
import { Conversation } from "./conversation.js";
import { text } from "./text.js";

/**
 * @typedef {import("./conversations/store.js").News} News
 * @typedef {import("./conversations/store.js").Store} Store
 * @typedef {import("./conversations/tree.js").Conversation} Stored
 * @typedef {import("./conversations/tree.js").Json} Json
 * @typedef {import("./conversation.js").Asked} Asked
 * @typedef {import("./generations.js").Generations} Generations
 * @typedef {import("./thread.js").Thread} Thread
 */

/** @typedef {import("./composer.js").Composer} Composer */

/** ms between two writes of a growing draft */
const SAVE_INTERVAL = 500;
/** Where the draft is kept of a conversation that has not begun */
const NEW = "new";

export class Workspace {
  #store;
  #generations;
  #thread;
  #composer;
  /** @type {Conversation} */
  #open;
  #stored = false; // somebody has written in it
  /** What was kept of the draft has been put into the composer. */
  #draftKnown = false;
  /** The draft of the conversation that was left is kept. */
  #left = Promise.resolve();
  #round = 0;
  #opened = () => {};
  /** @type {Promise<void>} until then it is not known which conversation is open */
  #visited = new Promise((resolve) => (this.#opened = resolve));
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;

  /** Another conversation is open, or the open one has changed its title. @type {(conversation: Conversation) => void} */
  onOpen = () => {};
  /** Something was asked: show it. */
  onAsk = () => {};
  /** System prompt and tools of a conversation that begins now. @type {() => Json} */
  frame = () => ({});
  /** What else the reader has set for one question. @type {() => Json} */
  parameters = () => ({});

  /** @param {Store} store @param {Generations} generations @param {Thread} thread @param {Composer} composer */
  constructor(store, generations, thread, composer) {
    this.#store = store;
    this.#generations = generations;
    this.#thread = thread;
    this.#composer = composer;
    this.#open = Conversation.fresh(store);
    thread.onAgain = (reply) => this.again(reply);
    thread.onEdit = (prompt, words) => void this.#begin(this.#open.edit(prompt, words, this.#fields()));
    thread.onChoose = (message) => {
      this.#open.choose(message);
      this.#show();
    };
    thread.onContinue = () => this.ask(text.goOnPrompt);
  }

  get conversation() {
    return this.#open;
  }

  /** The answer that is being written at the end of what is in view. */
  get writing() {
    const last = this.#open.path.at(-1);
    return last && this.#generations.of(last.id);
  }

  /** Open what the address says; a new conversation when it says nothing or what is not there. */
  visit() {
    this.#visited = this.#visit();
    void this.#visited.then(this.#opened);
    return this.#visited;
  }

  async #visit() {
    const first = this.#round === 0;
    const round = ++this.#round;
    const id = decodeURIComponent(location.hash.slice(1));
    const known = id === "" ? null : await Conversation.open(this.#store, id);
    if (round !== this.#round) return; // overtaken
    if (id !== "" && !known) history.replaceState(null, "", location.pathname + location.search);
    if (!first) this.#leave();
    this.#draftKnown = false;
    this.#stored = known !== null;
    this.#open = known ?? Conversation.fresh(this.#store);
    for (const message of this.#open.messages) this.#generations.join(message);
    for (const { reply } of this.#generations.in(this.#open.id)) this.#open.update(reply);
    this.#thread.show(this.#open);
    this.#show();
    if (!first) this.#composer.draft = undefined; // it was another conversation's
    try {
      await this.#left;
      const draft = await this.#store.draft(this.#draftPlace);
      if (round === this.#round && draft) this.#composer.giveBack(draft); // before what has been written already
    } finally {
      if (round === this.#round) {
        this.#draftKnown = true;
        if (this.#composer.draft) this.touchDraft(); // it may have been written before anything here was loaded
      }
    }
  }

  /** Keep what is written here; what was kept of it before may still be looked for. */
  #leave() {
    const { draft } = this.#composer;
    if (this.#draftKnown || !draft) return this.saveDraft();
    const place = this.#draftPlace;
    this.#left = this.#store.draft(place).then((kept) => this.#store.saveDraft(place, joined(kept, draft)));
  }

  /** Begin a new conversation. */
  begin() {
    if (location.hash !== "") history.pushState(null, "", location.pathname + location.search);
    return this.visit();
  }

  /** What would be sent if this were asked now. @param {string | Json[]} content */
  request(content) {
    return this.#open.request(content, this.#fields());
  }

  /** @param {string | Json[]} content */
  async ask(content) {
    await this.#visited;
    if (this.writing) return;
    this.#begin(this.#open.ask(content, this.#fields()));
  }

  /** Answer once more, perhaps otherwise. @param {import("./conversations/tree.js").Reply} reply @param {Json} [other] */
  again(reply, other = {}) {
    this.#begin(this.#open.again(reply, { ...this.#fields(), ...other }));
    this.#composer.invite();
  }

  /** What another tab has written. @param {News} news */
  async learn({ conversations, messages }) {
    const { id } = this.#open;
    const gone = [];
    for (const { id: message, conversation } of messages) {
      if (this.#generations.of(message)) continue; // it is listened to
      const stored = await this.#store.message(message);
      if (stored) this.#generations.join(stored);
      if (conversation !== id) continue;
      if (this.#open.id !== id) return;
      if (stored) this.#open.update(stored);
      else gone.push(message);
    }
    for (const conversation of conversations) {
      if (await this.#store.isGone(conversation)) this.#generations.forget(conversation);
    }
    if (!conversations.includes(id)) return;
    const record = await this.#store.conversation(id);
    if (this.#open.id !== id) return;
    if (!record) return this.begin(); // deleted there
    this.#open.refresh(record, gone);
    this.#show();
  }

  /** The reader changed something about a conversation as a whole. @param {string} id @param {Partial<Stored>} how */
  adopt(id, how) {
    if (id !== this.#open.id) return;
    this.#open.record = { ...this.#open.record, ...how };
    if (how.deleted) void this.begin();
    else this.onOpen(this.#open);
  }

  /** An answer has ended. @param {import("./generations.js").Generation} generation @param {boolean} elsewhere  as another tab saw it */
  async end(generation, elsewhere) {
    const { id, conversation } = generation.reply;
    if (conversation !== this.#open.id) return;
    if (elsewhere) {
      const stored = await this.#store.message(id);
      if (conversation !== this.#open.id) return;
      if (stored) this.#open.update(stored);
      this.#thread.draw([id]);
    } else {
      this.#open.update(generation.reply);
      this.#thread.finish(generation);
    }
    this.#show();
  }

  /** What is being written but not sent has changed. */
  touchDraft() {
    this.#timer ??= setTimeout(() => this.saveDraft(), SAVE_INTERVAL);
  }

  saveDraft() {
    if (this.#timer === undefined) return;
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (!this.#draftKnown) return this.touchDraft(); // it would take the place of what is being looked for
    void this.#store.saveDraft(this.#draftPlace, this.#composer.draft);
  }

  // Private

  /** A request's fields but for its messages. System prompt and tools are the same in the whole conversation. */
  #fields() {
    return { ...(this.#open.frame ?? this.frame()), ...this.parameters() };
  }

  get #draftPlace() {
    return this.#stored ? this.#open.id : NEW;
  }

  /** @param {Asked} asked */
  #begin({ reply, stored }) {
    if (!this.#stored) {
      history.pushState(null, "", `#${this.#open.id}`);
      void this.#store.saveDraft(NEW, undefined);
    }
    this.#stored = true;
    this.#generations.start(reply, { restored: false, stored });
    this.#show();
    this.onAsk();
  }

  #show() {
    this.#thread.draw();
    this.#composer.busy = this.writing !== undefined;
    this.onOpen(this.#open);
  }
}
