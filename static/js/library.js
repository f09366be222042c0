// @ts-check
/** All conversations of this device, and what the reader does with one as a whole. No DOM. */

import { tidyTitle } from "./conversations/title.js";
import { text } from "./text.js";
import { uniqueKey } from "./unique.js";

/**
 * @typedef {import("./conversations/store.js").Store} Store
 * @typedef {import("./conversations/tree.js").Conversation} Conversation
 */

/** ms: how long a gateway may know a generation that has ended; more than its default retention */
const REMEMBERED = 3_600_000;
/** messages of a file that are written at a time */
const BATCH = 50;
/** ms that reading a file may hold up the page */
const SLICE = 8;

export class Library {
  #store;
  #fetch;

  /** @type {(id: string, how: Partial<Conversation>) => void} the reader changed something about one */
  onChange = () => {};

  /** One is gone for good. @type {(id: string) => void} */
  onPurge = () => {};

  /** @param {Store} store @param {(url: string, init: RequestInit) => Promise<Response>} fetch */
  constructor(store, fetch) {
    this.#store = store;
    this.#fetch = fetch;
  }

  list() {
    return this.#store.conversations();
  }

  /** @param {readonly string[]} terms @param {AbortSignal} signal */
  search(terms, signal) {
    return this.#store.search(terms, signal);
  }

  /** @param {string} id @param {string} title */
  rename(id, title) {
    const tidy = tidyTitle(title);
    return tidy === "" ? Promise.resolve() : this.#change(id, { title: tidy });
  }

  /** @param {string} id @param {boolean} pinned */
  pin(id, pinned) {
    return this.#change(id, { pinned });
  }

  /** It is out of sight, and can be had back for a while. @param {string} id */
  delete(id) {
    return this.#change(id, { deleted: Date.now() });
  }

  /** @param {Conversation} conversation  as it was before it was deleted */
  undelete(conversation) {
    return this.#store.save({ conversations: [{ ...conversation, deleted: null }] });
  }

  /** For good, here and at the gateway. @param {string} id */
  async purge(id) {
    this.onPurge(id);
    const messages = await this.#store.purge(id);
    for (const message of messages) {
      if (message.role === "user" || message.generation === null) continue;
      if (!message.running && Date.now() - message.created > REMEMBERED) continue;
      // should it fail: the gateway forgets it by itself, only later
      await this.#fetch(`api/chat/${message.generation}?purge=true`, { method: "DELETE" }).catch(() => {});
    }
  }

  /** Those that were deleted and not had back in time, also by a tab that was closed. */
  async purgeExpired() {
    for (const { id } of await this.#store.expired(Date.now())) await this.purge(id);
  }

  /** @param {Conversation} conversation @returns {Promise<Blob>} */
  async asMarkdown(conversation) {
    const { toMarkdown } = await import("./conversations/markdown.js");
    const markdown = toMarkdown(conversation, await this.#store.messages(conversation.id), text.exported);
    return new Blob([markdown], { type: "text/markdown;charset=utf-8" });
  }

  /** @param {readonly Conversation[]} conversations @returns {Promise<Blob>} */
  async asFile(conversations) {
    const { toFile } = await import("./conversations/portable.js");
    const wholes = [];
    for (const conversation of conversations) {
      wholes.push({ conversation, messages: await this.#store.messages(conversation.id) });
    }
    return new Blob([toFile(wholes, Date.now())], { type: "application/json" });
  }

  /**
   * Take in a file that somebody, perhaps somebody else, has exported.
   *
   * @param {File} file
   * @returns {Promise<{imported: number} | {problem: string}>}
   */
  async takeIn(file) {
    const { fromFile, LARGEST_FILE, Malformed } = await import("./conversations/portable.js");
    if (file.size > LARGEST_FILE) return { problem: text.imports.tooLarge(LARGEST_FILE) };
    try {
      const wholes = await fromFile(await file.text(), uniqueKey, breaks());
      return (await this.#keep(wholes)) ? { imported: wholes.length } : { problem: text.imports.notStored };
    } catch (error) {
      if (!(error instanceof Malformed)) return { problem: text.imports.unreadable };
      return { problem: error.message === "" ? text.imports.foreign : text.imports.malformed(error.message) };
    }
  }

  /**
   * Store them, some messages at a time, each conversation with the last of its own.
   *
   * @param {readonly import("./conversations/portable.js").Whole[]} wholes
   */
  async #keep(wholes) {
    /** @type {Conversation[]} */
    let conversations = [];
    /** @type {import("./conversations/tree.js").Message[]} */
    let messages = [];
    for (const whole of wholes) {
      for (let n = 0; n < whole.messages.length; n += BATCH) {
        messages.push(...whole.messages.slice(n, n + BATCH));
        if (messages.length < BATCH) continue;
        if (!(await this.#store.save({ conversations, messages }))) {
          await this.#store.save({ gone: whole.messages }); // nobody would ever see them
          return false;
        }
        conversations = [];
        messages = [];
      }
      conversations.push(whole.conversation);
    }
    return this.#store.save({ conversations, messages });
  }

  /** @param {string} id @param {Partial<Conversation>} how */
  async #change(id, how) {
    const conversation = await this.#store.conversation(id);
    if (!conversation) return;
    this.onChange(id, how);
    await this.#store.save({ conversations: [{ ...conversation, ...how }] });
  }
}

/** Between two steps of long work: lets the page do something else when it was held up for `SLICE`. */
function breaks() {
  let since = performance.now();
  return async () => {
    if (performance.now() - since < SLICE) return;
    await new Promise((resolve) => setTimeout(resolve));
    since = performance.now();
  };
}
