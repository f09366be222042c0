// @ts-check
/**
 * The messages of one conversation form a tree: a prompt that was edited and an answer that was asked for again have
 * siblings. What the reader sees is one path from a root to a leaf, the conversation's `head`.
 *
 * Pure. Messages are what is stored: plain values, never changed in place by this module.
 */

/**
 * @typedef {import("../events.js").Json} Json
 * @typedef {import("../transcript.js").Transcript} Transcript
 * @typedef {import("../turns.js").Message} Turn  a message in Claude's own shape
 * @typedef {import("../verdict.js").Refused} Refused
 */

/**
 * @typedef {object} Conversation
 * @property {string} id
 * @property {string} title  empty until there is a prompt to take one from
 * @property {number} created  ms since 1970, as the others
 * @property {number} changed  when something was last asked or answered
 * @property {boolean} pinned
 * @property {string | null} head  the last message in view
 * @property {number | null} deleted  when it was deleted; it can be had back for a while
 */

/**
 * @typedef {object} Prompt  what the reader asked
 * @property {"user"} role
 * @property {string} id
 * @property {string} conversation
 * @property {string | null} parent  the answer that it follows
 * @property {number} created
 * @property {string | Json[]} content  as Claude takes it
 */

/**
 * @typedef {object} Reply  what Claude answered, or is answering
 * @property {"assistant"} role
 * @property {string} id
 * @property {string} conversation
 * @property {string} parent  the prompt
 * @property {number} created
 * @property {string} key  Idempotency-Key of the request
 * @property {Json} asked  the request's fields but for `messages`: model, system, tools, …
 * @property {Turn[] | null} messages  the request's messages, kept until the generation's id is known: the same key asks
 *   for the same body
 * @property {string | null} generation  its id at the gateway
 * @property {string | null} cursor  id of the last event in `transcript`
 * @property {Transcript} transcript
 * @property {Turn[] | null} turns  what the gateway says that the answer adds to the conversation
 * @property {1} [running]  it is being written; absent when not, so that an index holds only those that are
 * @property {{kind: "interrupted" | "stopped"} | Refused | null} unfinished  why it ended without an ending of its own
 */

/** @typedef {Prompt | Reply} Message */

export class Tree {
  /** @type {Map<string, Message>} */
  #messages = new Map();
  /** @type {Map<string | null, Message[]>} by parent, oldest first */
  #children = new Map();

  /** @param {Iterable<Message>} [messages] */
  constructor(messages = []) {
    for (const message of messages) this.set(message);
  }

  get size() {
    return this.#messages.size;
  }

  /** @returns {Message[]} */
  get all() {
    return [...this.#messages.values()];
  }

  /** @param {string | null} id */
  get(id) {
    return id === null ? undefined : this.#messages.get(id);
  }

  /** Put in a message, or what has become of it. @param {Message} message */
  set(message) {
    this.delete(message.id);
    this.#messages.set(message.id, message);
    const siblings = this.#children.get(message.parent) ?? [];
    siblings.push(message);
    siblings.sort((a, b) => a.created - b.created || (a.id < b.id ? -1 : 1));
    this.#children.set(message.parent, siblings);
  }

  /** Take out one message; what follows it stays where it is, out of sight. @param {string} id */
  delete(id) {
    const message = this.#messages.get(id);
    if (!message) return;
    this.#messages.delete(id);
    const siblings = this.siblings(message).filter((other) => other.id !== id);
    if (siblings.length > 0) this.#children.set(message.parent, siblings);
    else this.#children.delete(message.parent);
  }

  /** The message itself among them; oldest first. @param {Message} message @returns {readonly Message[]} */
  siblings(message) {
    return this.#children.get(message.parent) ?? [];
  }

  /** @param {string | null} id @returns {readonly Message[]} */
  children(id) {
    return this.#children.get(id) ?? [];
  }

  /** From the root to this message; empty when it is not there. @param {string | null} id @returns {Message[]} */
  path(id) {
    /** @type {Message[]} */
    const path = [];
    for (let message = this.get(id); message; message = this.get(message.parent)) {
      if (path.length > this.#messages.size) return []; // a circle: nobody's conversation
      path.push(message);
    }
    return path.reverse();
  }

  /** The end of the newest branch that begins with this message. @param {string} id @returns {string} */
  leaf(id) {
    const seen = new Set([id]);
    for (let at = id; ; ) {
      const next = this.children(at).at(-1);
      if (!next || seen.has(next.id)) return at;
      seen.add(next.id);
      at = next.id;
    }
  }

  /**
   * The last message to show, when the one that was shown last is known, or may be gone.
   *
   * @param {string | null} head
   * @returns {string | null}
   */
  head(head) {
    const from = this.get(head) ?? this.children(null).at(-1);
    return from ? this.leaf(from.id) : null;
  }
}
