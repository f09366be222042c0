// @ts-check
/**
 * One generation over an unreliable network: POST, read, and whenever the connection is cut before `[DONE]`, resume.
 *
 *   no id known yet   the same POST with the same Idempotency-Key: the gateway attaches, nothing is billed twice
 *   id known          GET /api/chat/{id}/stream with Last-Event-ID: everything after the last event that was seen;
 *                     where the browser has no connection left for it, the same over a WebSocket (lines.js)
 *
 * An event is handed on once, by its id, whatever is sent again. One attempt is in flight at any time. Between attempts
 * the wait is exponential with full jitter, from what the stream's `retry:` line asks (or 250 ms) up to 5 s, and is cut
 * short when the network or the reader returns. Silence of 40 s (keep-alives come every 15 s) counts as a cut.
 *
 * Network, clock and chance come from outside (`Surroundings`), so that tests need none of them.
 */

import { cancel } from "./cancel.js";
import { decode, isEnd } from "./events.js";
import { Opening } from "./opening.js";
import { Decoder } from "./sse.js";
import { Busy, judge, refused, Verdict } from "./verdict.js";

/** @typedef {import("./events.js").ChatEvent} ChatEvent */

/** ms without a byte, after which a connection is taken for dead */
const SILENCE = 40_000;
/** ms that a POST may take until its answer begins: the gateway answers within 10 s, the rest is for the upload */
const UPLOAD = 120_000;
/** ms: bounds of the wait between two attempts */
const FIRST_WAIT = 250;
const LONGEST_WAIT = 5_000;
/** attempts to reach a gateway that never answered at all, before saying so */
const ATTEMPTS_TO_START = 5;
/** ms of vain attempts to resume, after which the gateway has forgotten the generation (its default retention) */
const GIVE_UP = 600_000;
/** ms that a stopped generation may take to say that it has stopped */
const STOP_GRACE = 5_000;
/** ms: what comes after a longer pause in a resumed stream is news, what comes before it is catching up */
const CATCH_UP_PAUSE = 80;

/**
 * @typedef {object} Surroundings
 * @property {(url: string, init: RequestInit) => Promise<Response>} fetch
 * @property {() => number} now  ms
 * @property {() => number} random  0 ≤ x < 1
 * @property {(ms: number, signal: AbortSignal) => Promise<void>} sleep  ends early when aborted
 * @property {() => boolean} online
 * @property {import("./lines.js").Lines} lines
 * @property {(id: string, cursor: string | null, signal: AbortSignal) => Promise<Response>} listen  see socket.js
 * @property {(signal: AbortSignal) => Promise<boolean>} reach  whether a WebSocket comes through
 * @property {() => boolean} asking  the reader is being asked to sign in, which takes its time
 */

/** @typedef {"connecting" | "queued" | "unanswered" | "streaming" | "reconnecting" | "offline" | "stopping"} State */

/**
 * @typedef {object} Start
 * @property {object} request  body of POST /api/chat
 * @property {string} key  Idempotency-Key of this turn
 * @property {string | null} [id]  known when a page finds its generation again
 * @property {string | null} [cursor]  id of the last event that the page still has
 * @property {boolean} [restored]  the page was loaded again: the first events may be old ones
 */

/** @typedef {import("./verdict.js").Outcome} Outcome */

export class Connection {
  /** @type {string | null} */
  id;
  /** @type {string | null} */
  cursor;
  #opening;
  #key;
  #restored;
  #around;
  /** @type {Set<string>} */
  #seen = new Set();
  #retryMs = FIRST_WAIT;
  #failures = 0;
  #lastLife = 0;
  #patience = SILENCE;
  #attempt = new AbortController();
  #nap = new AbortController();
  #stopping = false;
  /** Aborted when it was stopped, and nobody is to confirm it any more. */
  #givenUp = new AbortController();
  /** @type {number | null} ms that the gateway asked to wait (Retry-After) */
  #asked = null;
  #sent = false;

  /** @type {(event: ChatEvent, live: boolean) => void} `live`: news, not catching up */
  onEvent = () => {};
  /** @type {(state: State) => void} */
  onState = () => {};
  /** @type {(id: string) => void} */
  onId = () => {};

  /**
   * @param {Start} start
   * @param {Surroundings} around
   */
  constructor({ request, key, id = null, cursor = null, restored = false }, around) {
    this.#opening = new Opening(request, key, around);
    this.#opening.onQueued = () => this.#say("queued");
    this.#opening.onSent = () => {
      this.#sent = true;
      this.#say(this.#trying);
    };
    this.#opening.onId = (known) => this.#learn(known);
    this.#key = key;
    this.#restored = restored;
    this.#around = around;
    this.id = id;
    this.cursor = cursor;
  }

  /** Read to the end, through whatever cuts. @returns {Promise<Outcome>} */
  async run() {
    const { now, online } = this.#around;
    let vainSince = now();
    this.#say(this.#trying);
    for (;;) {
      const before = this.cursor;
      try {
        if (await this.#read()) return { kind: "ended" };
      } catch (error) {
        if (error instanceof Verdict) return error.outcome;
        // everything else is a cut: the network's, our watchdog's, or garbage where a stream should be
      }
      if (this.#givenUp.signal.aborted) return { kind: "stopped" };
      if (this.cursor !== before) {
        this.#failures = 0;
        vainSince = now();
      }
      this.#failures += 1;
      const vain = now() - vainSince > GIVE_UP;
      if (this.id === null && ((this.#failures >= ATTEMPTS_TO_START && online()) || vain))
        return refused(0, null, null);
      if (vain) return { kind: "interrupted" };
      this.#say(this.#trying);
      await this.#wait();
      if (this.#givenUp.signal.aborted) return { kind: "stopped" };
    }
  }

  /** The reader is back: do not wait any longer, and do not trust a connection that has been silent. */
  wake() {
    if (this.#asked === null) this.#nap.abort();
    if (this.#around.now() - this.#lastLife > SILENCE / 2) this.#attempt.abort();
  }

  /** The network went away and came back: whatever was open is dead, whether it knows or not. */
  revive() {
    this.#nap.abort();
    this.#attempt.abort();
  }

  /** Cancel the generation at the gateway; its stream then ends by itself. */
  async stop() {
    if (this.#stopping) return;
    this.#stopping = true;
    this.#say("stopping");
    if (!this.#sent) {
      this.#giveUp(); // nobody has to confirm
      return this.#cancel(); // a tab that was closed may have asked
    }
    await this.#cancel();
    this.#nap.abort();
    await this.#around.sleep(STOP_GRACE, new AbortController().signal);
    this.#giveUp(); // no answer, but the reader's wish stands
  }

  #giveUp() {
    this.#givenUp.abort();
    this.revive();
  }

  async #cancel() {
    await cancel(this.#around.fetch, this.id, this.#key); // whether it worked, the grace period in `stop` decides
  }

  /** What is being done, until something comes. @returns {State} */
  get #trying() {
    if (this.#failures === 0) return "connecting";
    if (!this.#around.online()) return "offline";
    return this.id === null ? "unanswered" : "reconnecting";
  }

  /** @param {State} state */
  #say(state) {
    this.onState(this.#stopping ? "stopping" : state);
  }

  /** @param {string | null} id */
  #learn(id) {
    if (id === null || this.id !== null) return;
    this.id = id;
    this.onId(id);
    if (this.#stopping) void this.#cancel(); // the first one may have come before the POST
  }

  /** One connection. @returns {Promise<boolean>} whether it brought the generation's end */
  async #read() {
    const line = await this.#opening.line(this.id !== null, this.#givenUp.signal);
    if (this.#givenUp.signal.aborted) {
      line?.();
      return false;
    }
    this.#attempt = new AbortController();
    const { signal } = this.#attempt;
    this.#patience = this.id === null ? UPLOAD : SILENCE;
    this.#lastLife = this.#around.now();
    void this.#watch(this.#attempt);
    try {
      const response = await this.#opening[line ? "overHttp" : "overSocket"](this.id, this.cursor, signal);
      this.#patience = SILENCE;
      this.#asked = null;
      if (response.status === 204) return true;
      if (!response.ok || response.body === null) {
        const error = await judge(response, this.id !== null);
        if (error instanceof Busy) this.#asked = error.retryAfterMs;
        throw error;
      }
      this.#learn(response.headers.get("X-Chat-Id"));
      this.#say("streaming");
      return await this.#drain(response.body.getReader());
    } finally {
      this.#attempt.abort(); // ends the watch, and frees the socket of a response that was not read to its end
      line?.();
    }
  }

  /**
   * @param {ReadableStreamDefaultReader<Uint8Array>} reader
   * @returns {Promise<boolean>}
   */
  async #drain(reader) {
    const decoder = new Decoder();
    let live = this.cursor === null && !this.#restored; // a new generation has nothing to catch up with
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return false;
      const now = this.#around.now();
      live ||= now - this.#lastLife > CATCH_UP_PAUSE;
      this.#lastLife = now;
      for (const frame of decoder.feed(value)) {
        if (isEnd(frame)) return true;
        if (frame.id !== null) {
          if (this.#seen.has(frame.id)) continue;
          this.#seen.add(frame.id);
          this.cursor = frame.id;
        }
        const event = decode(frame);
        if (event.type === "start") this.#learn(event.id);
        this.onEvent(event, live);
      }
      this.#retryMs = decoder.retryMs ?? this.#retryMs;
    }
  }

  /** @param {AbortController} attempt */
  async #watch(attempt) {
    const { now, sleep, asking } = this.#around;
    while (!attempt.signal.aborted) {
      if (asking()) this.#lastLife = now();
      const left = this.#lastLife + this.#patience - now();
      if (left <= 0) attempt.abort();
      else await sleep(left, attempt.signal);
    }
  }

  async #wait() {
    const ceiling = Math.min(LONGEST_WAIT, this.#retryMs * 2 ** (this.#failures - 1));
    this.#nap = new AbortController();
    await this.#around.sleep(this.#asked ?? this.#around.random() * ceiling, this.#nap.signal);
  }
}
