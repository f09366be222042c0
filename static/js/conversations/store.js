// @ts-check
/**
 * Conversations on this device, and the news of them between tabs.
 *
 * Nothing here throws at the reader: what could not be written is reported once (`onTrouble`), what was said lives on in
 * the tab, and the next write tries again. Every write is told to the other tabs (`onChange` there).
 */

import { words } from "./history.js";
import { found, snippet } from "./search.js";

/**
 * @typedef {import("./database.js").Change} Change
 * @typedef {import("./database.js").Database} Database
 * @typedef {import("./tree.js").Conversation} Conversation
 * @typedef {import("./tree.js").Message} Message
 * @typedef {import("./tree.js").Reply} Reply
 */

/** `full`: the device has no room left; `broken`: the browser refused for another reason */
/** @typedef {"full" | "broken"} Trouble */

/** What a tab says to the others: these records are new or gone. */
/** @typedef {{conversations: string[], messages: {id: string, conversation: string}[]}} News */

/** @typedef {{conversation: string, snippet: NonNullable<ReturnType<typeof snippet>> | null}} Hit */

/** records: as many as are read without holding up the page */
const PAGE = 64;
/** IndexedDB sorts lists behind all strings and numbers: the end of everything that begins with a key */
const LAST = /** @type {any} */ ([]);
/** ms: how long a deleted conversation can be had back */
export const UNDO = 10_000;

export class Store {
  #database;
  #channel;
  #troubled = false;
  /** @type {Map<string, Change>} what could not be written, by its place: the newest only */
  #unwritten = new Map();

  /** @type {(trouble: Trouble) => void} */
  onTrouble = () => {};
  /** Writing works again. */
  onRelief = () => {};
  /** @type {(news: News) => void} another tab wrote */
  onChange = () => {};
  /** @type {(news: News) => void} this tab wrote */
  onWritten = () => {};

  /**
   * @param {Promise<Database>} database  it may be a while until it is open
   * @param {Pick<BroadcastChannel, "postMessage" | "onmessage">} channel
   */
  constructor(database, channel) {
    this.#database = database;
    this.#channel = channel;
    channel.onmessage = ({ data }) => this.onChange(data);
  }

  /** All that are not deleted. @returns {Promise<Conversation[]>} */
  async conversations() {
    return (await (await this.#database).page("conversations")).filter(({ deleted }) => deleted === null);
  }

  /** @param {string} id @returns {Promise<Conversation | undefined>} */
  async conversation(id) {
    const found = await (await this.#database).get("conversations", id);
    return found?.deleted === null ? found : undefined;
  }

  /** Whether it was deleted for good. @param {string} id */
  async isGone(id) {
    return (await (await this.#database).get("conversations", id)) === undefined;
  }

  /** @param {string} id @returns {Promise<Message | undefined>} */
  async message(id) {
    return (await this.#database).get("messages", id);
  }

  /** Oldest first, a page at a time, so that a long conversation does not hold up the page. @param {string} conversation */
  async messages(conversation) {
    /** @type {Message[]} */
    const messages = [];
    for (;;) {
      const last = messages.at(-1);
      const after = last ? [conversation, last.created, last.id] : [conversation];
      const page = await (await this.#database).page("messages", {
        index: "conversation",
        after,
        upTo: [conversation, LAST],
        count: PAGE,
      });
      messages.push(...page);
      if (page.length < PAGE) return messages;
    }
  }

  /** Every answer that was being written when its tab last wrote. @returns {Promise<Reply[]>} */
  async running() {
    return (await this.#database).page("messages", { index: "running" });
  }

  /**
   * Write, and tell the other tabs.
   *
   * @param {{conversations?: readonly Conversation[], messages?: readonly Message[], gone?: readonly Message[]}} what
   * @returns {Promise<boolean>} whether it is stored
   */
  save({ conversations = [], messages = [], gone = [] }) {
    /** @type {Change[]} */
    const changes = [
      ...conversations.map((put) => /** @type {Change} */ ({ store: "conversations", put })),
      ...messages.flatMap((put) => [
        /** @type {Change} */ ({ store: "messages", put }),
        /** @type {Change} */ ({
          store: "texts",
          put: { id: put.id, conversation: put.conversation, text: words(put) },
        }),
      ]),
      ...gone.flatMap(({ id }) => forget(id)),
    ];
    return this.#write(changes, {
      conversations: conversations.map(({ id }) => id),
      messages: [...messages, ...gone].map(({ id, conversation }) => ({ id, conversation })),
    });
  }

  /** For good. @param {string} conversation */
  async purge(conversation) {
    const messages = await this.messages(conversation);
    await this.#write(
      [
        { store: "conversations", delete: conversation },
        { store: "drafts", delete: conversation },
        ...messages.flatMap(({ id }) => forget(id)),
      ],
      { conversations: [conversation], messages: [] },
    );
    return messages;
  }

  /** Those whose time to be had back has passed. @param {number} now @returns {Promise<Conversation[]>} */
  async expired(now) {
    const all = /** @type {Conversation[]} */ (await (await this.#database).page("conversations"));
    return all.filter(({ deleted }) => deleted !== null && now - deleted >= UNDO);
  }

  /** What was written but not sent. @param {string} conversation @returns {Promise<any>} undefined when nothing was */
  async draft(conversation) {
    return (await (await this.#database).get("drafts", conversation))?.draft;
  }

  /** @param {string} conversation @param {any} draft  undefined when there is none */
  async saveDraft(conversation, draft) {
    /** @type {Change} */
    const change =
      draft === undefined
        ? { store: "drafts", delete: conversation }
        : { store: "drafts", put: { id: conversation, draft } };
    await this.#write([change], null);
  }

  /**
   * The conversations in which all of the terms stand in one message, each once.
   *
   * @param {readonly string[]} terms
   * @param {AbortSignal} signal
   * @returns {AsyncGenerator<Hit>}
   */
  async *search(terms, signal) {
    const seen = new Set();
    let last = null;
    while (!signal.aborted) {
      const page = /** @type {any[]} */ (
        await (await this.#database).page("texts", {
          index: "conversation",
          count: PAGE,
          ...(last ? { after: last } : {}),
        })
      );
      for (const { conversation, text } of page) {
        if (signal.aborted) return;
        if (seen.has(conversation) || !found(text, terms)) continue;
        seen.add(conversation);
        yield { conversation, snippet: snippet(text, terms) };
      }
      if (page.length < PAGE) return;
      last = [page.at(-1).conversation, page.at(-1).id];
    }
  }

  /** @param {Change[]} changes @param {News | null} news */
  async #write(changes, news) {
    for (const change of changes) this.#unwritten.delete(place(change)); // overtaken
    try {
      await (await this.#database).write(changes); // by itself, since a deletion may be what makes room
    } catch (error) {
      for (const change of changes) this.#unwritten.set(place(change), change);
      const isFull = error instanceof DOMException && error.name === "QuotaExceededError";
      if (!this.#troubled) this.onTrouble(isFull ? "full" : "broken");
      this.#troubled = true;
      return false;
    }
    if (news) {
      this.#channel.postMessage(news);
      this.onWritten(news);
    }
    const before = [...this.#unwritten.values()];
    this.#unwritten.clear();
    if (before.length > 0 && !(await this.#write(before, null))) return true; // this one is stored
    if (this.#troubled) this.onRelief();
    this.#troubled = false;
    return true;
  }
}

/** @param {Change} change */
const place = (change) => `${change.store} ${"put" in change ? change.put.id : change.delete}`;

/** @param {string} message @returns {Change[]} */
function forget(message) {
  return [
    { store: "messages", delete: message },
    { store: "texts", delete: message },
  ];
}
