// @ts-check
/**
 * The answers that are being written, in whatever conversation: read, stored, and drawn, also while nobody looks.
 *
 * A growing answer is stored at most once a second, and when the page is left. The tab that reads it stores it; see
 * `SharedConnection` for the others.
 */

import { Answer } from "./answer.js";
import { SharedConnection } from "./shared-connection.js";

/**
 * @typedef {import("./conversations/store.js").Store} Store
 * @typedef {import("./conversations/tree.js").Reply} Reply
 * @typedef {import("./verdict.js").Outcome} Outcome
 * @typedef {import("./connection.js").Surroundings} Surroundings
 * @typedef {import("./shared-connection.js").Tabs} Tabs
 */

/** ms between two writes of a growing answer */
const SAVE_INTERVAL = 1000;
/** … and no more than this part of the time is spent writing */
const SHARE = 1 / 20;
/** ms: a request whose answer never began is not made again later than this, since the gateway may have forgotten it */
const STILL_WANTED = 600_000;
/** ms that the gateway may take to say what an answer adds to the conversation */
const TURNS = 5000;

/** One answer that is being written. */
export class Generation {
  reply;
  answer = new Answer();
  connection;
  /** The reader has been told that it has begun. */
  announced = false;
  #store;
  #around;
  #forgotten = false;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;
  #pause = SAVE_INTERVAL;

  /**
   * @param {Reply} reply
   * @param {{restored: boolean}} how
   * @param {Store} store
   * @param {Surroundings} around
   * @param {Tabs} tabs
   */
  constructor(reply, { restored }, store, around, tabs) {
    this.reply = reply;
    this.#store = store;
    this.#around = around;
    const { key, generation: id, cursor, asked, messages } = reply;
    const request = { ...asked, messages: messages ?? [] };
    const start = { name: `claude-gateway/${reply.id}`, request, key, id, cursor, restored };
    this.connection = new SharedConnection(start, around, tabs);
    this.connection.onId = (known) => {
      reply.generation = known;
      reply.messages = null; // from now on its id is enough
      void this.save();
    };
    this.connection.onLead = () => this.#begin();
    this.connection.onSettled = (outcome) => this.#settle(outcome);
    if (restored) this.answer.restore(reply.transcript);
  }

  /** Follow it until all of it is shown. @param {Promise<unknown>} stored  when the request may leave */
  async follow(stored) {
    await stored;
    const outcome = await this.answer.follow(this.connection);
    if (outcome.kind === "elsewhere") return false;
    this.#take();
    if (outcome.kind !== "ended") this.reply.unfinished = outcome;
    delete this.reply.running;
    return true;
  }

  /** It changed: store that soon, if it is this tab's to store. */
  touch() {
    this.#take();
    if (this.connection.leading) this.#timer ??= setTimeout(() => void this.save(), this.#pause);
  }

  /** Store it now. */
  async save() {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (!this.connection.leading || this.#forgotten) return;
    this.#take();
    const began = this.#around.now();
    await this.#store.save({ messages: [this.reply] });
    this.#pause = Math.max(SAVE_INTERVAL, (this.#around.now() - began) / SHARE);
  }

  /** Its conversation is gone for good: it is stopped, and nothing more of it is stored. */
  forget() {
    this.#forgotten = true;
    void this.connection.stop();
  }

  #take() {
    this.reply.transcript = this.answer.transcript;
    this.reply.cursor = this.connection.cursor;
  }

  /** This tab is to read it: is it still to be read? */
  async #begin() {
    const stored = await this.#store.message(this.reply.id);
    return !stored || (stored.role === "assistant" && stored.running === 1);
  }

  /** It has ended: store how, before another tab may look. @param {Outcome} outcome */
  async #settle(outcome) {
    const { reply } = this;
    delete reply.running;
    reply.messages = null;
    if (outcome.kind !== "ended") reply.unfinished = outcome;
    await this.save();
    if (outcome.kind !== "ended" || reply.generation === null) return;
    reply.turns = await this.#turns(reply.generation);
    if (reply.turns) await this.save();
  }

  /** What the gateway says that the answer adds to the conversation. @param {string} id */
  async #turns(id) {
    try {
      const response = await this.#around.fetch(`api/chat/${id}`, { signal: AbortSignal.timeout(TURNS) });
      return response.ok ? (await response.json()).turns : null;
    } catch {
      return null; // the transcript's own fold says the same
    }
  }
}

export class Generations {
  #store;
  #around;
  #tabs;
  /** @type {Map<string, Generation>} by reply */
  #live = new Map();

  /** @type {(generation: Generation) => void} */
  onBegin = () => {};
  /** @type {(generation: Generation, event: import("./events.js").ChatEvent) => void} */
  onEvent = () => {};
  /** All of it is shown. `elsewhere`: another tab has seen how it ended. @type {(generation: Generation, elsewhere: boolean) => void} */
  onEnd = () => {};

  /** @param {Store} store @param {Surroundings} around @param {Tabs} tabs */
  constructor(store, around, tabs) {
    this.#store = store;
    this.#around = around;
    this.#tabs = tabs;
  }

  /** @param {string} reply @returns {Generation | undefined} */
  of(reply) {
    return this.#live.get(reply);
  }

  /** @param {string} conversation @returns {Generation[]} */
  in(conversation) {
    return [...this.#live.values()].filter(({ reply }) => reply.conversation === conversation);
  }

  /**
   * @param {Reply} reply
   * @param {{restored: boolean, stored?: Promise<unknown>}} how  `stored`: what must have been written before it is asked
   */
  start(reply, { restored, stored = Promise.resolve() }) {
    const known = this.#live.get(reply.id);
    if (known) return known;
    const generation = new Generation(reply, { restored }, this.#store, this.#around, this.#tabs);
    this.#live.set(reply.id, generation);
    generation.answer.onEvent = (event) => {
      generation.touch();
      this.onEvent(generation, event);
    };
    this.onBegin(generation);
    void generation.follow(stored).then((here) => {
      this.#live.delete(reply.id);
      this.onEnd(generation, !here);
    });
    return generation;
  }

  /** Go on with all that was being written when its tab went away. @param {number} now  ms since 1970 */
  async resume(now) {
    for (const reply of await this.#store.running()) {
      if (reply.generation !== null || now - reply.created < STILL_WANTED) this.join(reply);
      else {
        const { running: _, ...rest } = reply;
        await this.#store.save({ messages: [{ ...rest, messages: null, unfinished: { kind: "interrupted" } }] });
      }
    }
  }

  /** Listen to what another tab reads, or go on with it when that tab is gone. @param {import("./conversations/tree.js").Message} message */
  join(message) {
    if (message.role === "assistant" && message.running) this.start(message, { restored: true });
  }

  /** Those of a conversation that is gone for good. @param {string} conversation */
  forget(conversation) {
    for (const generation of this.in(conversation)) generation.forget();
  }

  /** The reader is back. */
  wake() {
    for (const { connection } of this.#live.values()) connection.wake();
  }

  /** The network is back. */
  revive() {
    for (const { connection } of this.#live.values()) connection.revive();
  }

  /** The page may be gone in a moment. */
  save() {
    for (const generation of this.#live.values()) void generation.save();
  }
}
