// @ts-check
/**
 * What was asked and answered in this tab, and what of it is asked along the next time.
 *
 * It survives a reload in the tab's own storage: each exchange under its own key, so that a growing answer does not
 * write the whole conversation again.
 */

import { turns } from "./transcript.js";

/** @typedef {import("./composer.js").Content} Content */
/** @typedef {import("./transcript.js").Transcript} Transcript */
/** @typedef {import("./transcript.js").Message} Message */
/** @typedef {{kind: "interrupted" | "stopped"} | import("./connection.js").Refused} Unfinished */

/**
 * @typedef {object} Exchange
 * @property {string} key  Idempotency-Key
 * @property {Content} prompt
 * @property {object} frame  system prompt and tools: the same in the whole conversation
 * @property {object} request  the body that was sent, since the same key asks for the same body
 * @property {string | null} id  of the generation
 * @property {string | null} cursor  id of the last event in `transcript`
 * @property {Transcript} transcript
 * @property {boolean} running
 * @property {Unfinished | null} unfinished  why it ended without an ending of its own
 */

/** ms between two writes of a growing answer */
const SAVE_INTERVAL = 1000;
const PREFIX = "claude-gateway/";

export class Conversation {
  /** @type {Exchange[]} */
  exchanges = [];
  #storage;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;

  /** @param {Storage} storage */
  constructor(storage) {
    this.#storage = storage;
    for (let n = 0; ; n += 1) {
      const stored = storage.getItem(`${PREFIX}${n}`);
      if (stored === null) break;
      try {
        this.exchanges.push(JSON.parse(stored));
      } catch {
        break; // written by another version, or by somebody else
      }
    }
  }

  /**
   * The messages to send: all exchanges before `exchange`, and its prompt.
   *
   * @param {Content} prompt
   * @param {Exchange | null} [before]  leave out this one and what follows
   * @returns {Message[]}
   */
  messages(prompt, before = null) {
    const end = before === null ? this.exchanges.length : this.exchanges.indexOf(before);
    return [
      ...this.exchanges
        .slice(0, end)
        .flatMap(({ prompt: asked, transcript }) => [
          /** @type {Message} */ ({ role: "user", content: asked }),
          ...turns(transcript),
        ]),
      { role: "user", content: prompt },
    ];
  }

  /** What the conversation began with; null before it has. @returns {object | null} */
  get frame() {
    return this.exchanges[0]?.frame ?? null;
  }

  /** @param {Exchange} exchange */
  add(exchange) {
    this.exchanges.push(exchange);
    this.save(exchange);
  }

  /** Write soon. @param {Exchange} exchange */
  touch(exchange) {
    this.#timer ??= setTimeout(() => this.save(exchange), SAVE_INTERVAL);
  }

  /** Write now. @param {Exchange} exchange */
  save(exchange) {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const n = this.exchanges.indexOf(exchange);
    if (n < 0) return;
    try {
      this.#storage.setItem(`${PREFIX}${n}`, JSON.stringify(exchange));
    } catch {
      // the quota is full: the conversation lives on in memory
    }
  }

  clear() {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    for (let n = 0; n < this.exchanges.length; n += 1) this.#storage.removeItem(`${PREFIX}${n}`);
    this.exchanges = [];
  }
}
