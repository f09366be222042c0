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
    else this.#frame ||= requestAnimationFrame((now) => this.#type(now));
    this.onEvent(event);
  }

  /** @param {number} now */
  #type(now) {
    this.#frame = 0;
    const begun = performance.now();
    this.#typewriter.pace = pace(); // the reader may have changed it meanwhile
    const events = this.#typewriter.frame(now);
    this.#show(events);
    // once the frame is laid out and painted, which is most of what it costs
    if (events.length > 0) setTimeout(() => this.#typewriter.cost(performance.now() - begun, now));
    if (!this.#typewriter.idle) this.#frame = requestAnimationFrame((next) => this.#type(next));
    else this.#drained?.();
  }

  #flush() {
    cancelAnimationFrame(this.#frame);
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
