// @ts-check
/**
 * The conversation that is open in this tab: its messages, and what the reader does to them.
 *
 * No DOM. What changes is kept here at once and stored behind the reader's back; what must be stored before something
 * else happens is returned as a promise.
 */

import { history, reworded, words } from "./conversations/history.js";
import { titleOf } from "./conversations/title.js";
import { Tree } from "./conversations/tree.js";
import { empty } from "./transcript.js";
import { uniqueKey } from "./unique.js";

/**
 * @typedef {import("./conversations/store.js").Store} Store
 * @typedef {import("./conversations/tree.js").Json} Json
 * @typedef {import("./conversations/tree.js").Message} Message
 * @typedef {import("./conversations/tree.js").Prompt} Prompt
 * @typedef {import("./conversations/tree.js").Reply} Reply
 * @typedef {import("./conversations/tree.js").Conversation} Stored
 */

/** A reply that is to be asked for, and when it may be: as soon as what was asked is stored. */
/** @typedef {{reply: Reply, stored: Promise<boolean>}} Asked */

export class Conversation {
  #store;
  #tree;
  /** @type {Stored} */
  record;

  /**
   * @param {Store} store
   * @param {Stored} record
   * @param {Message[]} [messages]
   */
  constructor(store, record, messages = []) {
    this.#store = store;
    this.#tree = new Tree(messages);
    this.record = { ...record, head: this.#tree.head(record.head) };
  }

  /** One that nobody has written in, and that is not stored before somebody does. @param {Store} store */
  static fresh(store) {
    const now = Date.now();
    const record = { id: uniqueKey(), title: "", created: now, changed: now, pinned: false, head: null, deleted: null };
    return new Conversation(store, record);
  }

  /** @param {Store} store @param {string} id @returns {Promise<Conversation | null>} */
  static async open(store, id) {
    const record = await store.conversation(id);
    return record ? new Conversation(store, record, await store.messages(id)) : null;
  }

  get id() {
    return this.record.id;
  }

  /** System prompt and tools that the conversation began with; null before it has. @returns {Json | null} */
  get frame() {
    for (const message of this.messages) {
      if (message.role === "user") continue;
      const { system, tools } = message.asked;
      return { ...(system === undefined ? {} : { system }), ...(tools === undefined ? {} : { tools }) };
    }
    return null;
  }

  /** What would be sent if this were asked now. @param {string | Json[]} content @param {Json} fields */
  request(content, fields) {
    return { ...fields, messages: [...history(this.path, fields), { role: "user", content }] };
  }

  /** What the reader sees, from the first prompt on. */
  get path() {
    return this.#tree.path(this.record.head);
  }

  /** All messages, oldest first. */
  get messages() {
    return this.#tree.all.sort((a, b) => a.created - b.created);
  }

  /** @param {Message} message  the message itself among them */
  alternatives(message) {
    return this.#tree.siblings(message);
  }

  /** Ask something, after what is in view. @param {string | Json[]} content @param {Json} fields  of the request @returns {Asked} */
  ask(content, fields) {
    return this.#ask(content, this.record.head, fields);
  }

  /** Ask in other words; the old ones stay, as another branch. @param {Prompt} prompt @param {string} text @param {Json} fields */
  edit(prompt, text, fields) {
    return this.#ask(reworded(prompt.content, text), prompt.parent, fields);
  }

  /** Have the same answered once more. An answer that said nothing makes room. @param {Reply} reply @param {Json} fields @returns {Asked} */
  again(reply, fields) {
    const useless = words(reply) === "" && reply.transcript.blocks.length === 0;
    if (useless) this.#tree.delete(reply.id);
    return this.#reply(reply.parent, fields, [], useless ? [reply] : []);
  }

  /** Look at another branch. @param {Message} message */
  choose(message) {
    this.record = { ...this.record, head: this.#tree.leaf(message.id) };
    void this.#store.save({ conversations: [this.record] });
  }

  /** What became of a message in another tab. @param {Message} message */
  update(message) {
    this.#tree.set(message);
  }

  /** What became of the conversation in another tab; its messages have been told before. @param {Stored} record @param {string[]} gone */
  refresh(record, gone) {
    for (const id of gone) this.#tree.delete(id);
    this.record = { ...record, head: this.#tree.head(record.head) };
  }

  // Private

  /** @param {string | Json[]} content @param {string | null} parent @param {Json} fields @returns {Asked} */
  #ask(content, parent, fields) {
    /** @type {Prompt} */
    const prompt = {
      role: "user",
      id: uniqueKey(),
      conversation: this.id,
      parent,
      created: this.#later(parent),
      content,
    };
    this.#tree.set(prompt);
    this.record = { ...this.record, title: this.record.title || titleOf(words(prompt)) };
    return this.#reply(prompt.id, fields, [prompt], []);
  }

  /** @param {string} parent @param {Json} fields @param {Message[]} before @param {Message[]} gone @returns {Asked} */
  #reply(parent, fields, before, gone) {
    /** @type {Reply} */
    const reply = {
      role: "assistant",
      id: uniqueKey(),
      conversation: this.id,
      parent,
      created: this.#later(parent),
      key: uniqueKey(),
      asked: fields,
      messages: history(this.#tree.path(parent), fields),
      generation: null,
      cursor: null,
      transcript: empty(),
      turns: null,
      running: 1,
      unfinished: null,
    };
    this.#tree.set(reply);
    this.record = { ...this.record, head: reply.id, changed: Date.now() };
    const stored = this.#store.save({ conversations: [this.record], messages: [...before, reply], gone });
    return { reply, stored };
  }

  /** A time after that of the message before, whatever the clock does. @param {string | null} parent */
  #later(parent) {
    return Math.max(Date.now(), (this.#tree.get(parent)?.created ?? 0) + 1);
  }
}
