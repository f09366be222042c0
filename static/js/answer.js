// @ts-check
/**
 * One answer: connection → transcript → typewriter → view.
 *
 * The transcript knows everything at once; the view gets it through the typewriter. What was missed and is sent again is
 * not typed a second time, and nothing waits while nobody looks.
 */

import { isTerminal } from "./events.js";
import { preference } from "./preferences.js";
import { apply, empty, plainText } from "./transcript.js";
import { Typewriter } from "./typewriter.js";
import { unfold } from "./unfold.js";
import { AnswerView } from "./view.js";

/** @typedef {import("./shared-connection.js").SharedConnection} SharedConnection */
/** @typedef {import("./events.js").ChatEvent} ChatEvent */
/** @typedef {import("./transcript.js").Transcript} Transcript */

const reducedMotion = matchMedia("(prefers-reduced-motion: reduce)");

/** @returns {import("./typewriter.js").Pace} */
function pace() {
  if (reducedMotion.matches) return "calm";
  return preference("pace") === "instant" ? "instant" : "smooth";
}

export class Answer {
  view = new AnswerView();
  transcript = empty();
  #typewriter = new Typewriter();
  #frame = 0;
  /** @type {ReturnType<typeof setTimeout> | undefined} until a frame is asked for */
  #timer;
  /** @type {(() => void) | null} somebody waits until everything is shown */
  #drained = null;

  /** The connection changed. @type {(state: import("./connection.js").State) => void} */
  onState = () => {};
  /** The transcript changed. @type {(event: ChatEvent) => void} */
  onEvent = () => {};

  /** Draw what is known from before. @param {Transcript} transcript */
  restore(transcript) {
    this.transcript = transcript;
    this.#show(unfold(transcript));
  }

  /** How many words the answer has. */
  get words() {
    return plainText(this.transcript).match(/\S+/g)?.length ?? 0;
  }

  /**
   * Follow a generation to its end, and until all of it is shown.
   *
   * @param {SharedConnection} connection
   */
  async follow(connection) {
    connection.onState = (state) => {
      this.view.state = state;
      this.onState(state);
    };
    connection.onEvent = (event, live) => this.#take(event, live);
    const hidden = () => document.hidden && this.#flush();
    document.addEventListener("visibilitychange", hidden);
    try {
      const outcome = await connection.run();
      if (outcome.kind !== "ended") this.#flush();
      await this.#shown();
      return outcome;
    } finally {
      document.removeEventListener("visibilitychange", hidden);
      this.view.settle();
    }
  }

  /** @param {ChatEvent} event @param {boolean} live */
  #take(event, live) {
    this.transcript = apply(this.transcript, event);
    this.#typewriter.push(event, performance.now());
    const stopped = event.type === "error" || (event.type === "done" && event.stop_reason === "cancelled");
    if (!live || stopped || document.hidden) this.#flush();
    else if (this.#frame === 0 && this.#timer === undefined) this.#ask();
    this.onEvent(event);
  }

  /** Ask for the next frame that has something to show: each that has nothing costs the browser a look at the whole page. */
  #ask() {
    const pause = this.#typewriter.pause(performance.now());
    this.#timer = pause > 0 ? setTimeout(() => this.#ask(), pause) : undefined;
    if (pause <= 0) this.#frame = requestAnimationFrame((now) => this.#type(now));
  }

  /** @param {number} now */
  #type(now) {
    this.#frame = 0;
    const begun = performance.now();
    this.#typewriter.pace = pace(); // the reader may have changed it meanwhile
    const events = this.#typewriter.frame(now);
    this.#show(events);
    if (this.#typewriter.idle) this.#drained?.();
    // once the frame is laid out and painted, which is most of what it costs
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      if (events.length > 0) this.#typewriter.cost(performance.now() - begun, now);
      if (!this.#typewriter.idle) this.#ask();
    });
  }

  #flush() {
    clearTimeout(this.#timer);
    cancelAnimationFrame(this.#frame);
    this.#timer = undefined;
    this.#frame = 0;
    this.#show(this.#typewriter.flush());
    this.#drained?.();
  }

  /** @param {ChatEvent[]} events */
  #show(events) {
    if (events.length === 0) return;
    for (const event of events) this.view.show(event);
    this.view.draw();
  }

  /** @returns {Promise<void>} */
  #shown() {
    return new Promise((resolve) => {
      if (this.#typewriter.idle) resolve();
      else this.#drained = resolve;
    });
  }

  /** Compare what arrived with the gateway's checksum, where the browser can (https and localhost). */
  async verify() {
    const digest = this.transcript.terminal?.digest;
    if (!digest || !globalThis.isSecureContext) return;
    const bytes = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(plainText(this.transcript)));
    const hex = Array.from(new Uint8Array(bytes), (byte) => byte.toString(16).padStart(2, "0")).join("");
    this.view.verify(hex === digest);
  }

  /** The error that the gateway's own ending tells, if it is one. */
  get failure() {
    const { terminal } = this.transcript;
    return terminal && isTerminal(terminal) && terminal.type === "error" ? terminal : null;
  }
}
