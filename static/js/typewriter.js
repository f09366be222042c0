// @ts-check
/**
 * A delay line that turns bursts into typing: events in as the network brings them, out as a reader likes them.
 *
 * Pure: time is an argument. Only `text` is paced, and cut where a reader would cut (never inside an emoji);
 * everything else waits for its place behind the text that came before it, so order never lies.
 *
 * The pace aims at showing everything after the longest recent silence (100–350 ms), so that the next burst arrives
 * just as the last one runs out; nothing waits longer than about 500 ms, however fast Claude writes. The rate rises
 * quickly and falls slowly, which the eye reads as steadiness.
 */

/** @typedef {import("./events.js").ChatEvent} ChatEvent */
/** @typedef {"smooth" | "instant" | "calm"} Pace  calm: for readers who asked for reduced motion */

/** ms: bounds of the time in which a backlog is shown */
const SHORTEST = 100;
const LONGEST = 350;
/** ms: the same once the generation has ended */
const TAIL = 200;
/** ms: nothing stays behind longer than this, give or take a frame */
const MOST_BEHIND = 480;
/** ms: the memory of the longest silence halves in this time */
const FORGET = 4000;
/** characters per ms: the slowest typing worth watching */
const SLOWEST = 0.02;
/** ms between two updates when calm */
const CALM_INTERVAL = 250;
/** ms: a frame that costs more makes the next one wait, to leave the page its time */
const DEAR = 3;
/** … so that dear frames together take one part of so many of the time */
const SHARE = 6;
/** ms: however dear it was, the next one comes after this: what comes in a longer pause makes it dearer still */
const LONGEST_PAUSE = 125;

const graphemes = new Intl.Segmenter(undefined, { granularity: "grapheme" });

export class Typewriter {
  /** @type {Pace} */
  pace;
  /** @type {{event: ChatEvent, at: number}[]} what waits, and since when */
  #queue = [];
  #head = 0;
  /** Characters of text that wait. */
  backlog = 0;
  #ended = false;
  #rate = 0;
  #credit = 0;
  #peak = SHORTEST;
  /** @type {number | null} */
  #lastPush = null;
  /** @type {number | null} */
  #lastFrame = null;
  #notBefore = -Infinity;

  /** @param {Pace} [pace] */
  constructor(pace = "smooth") {
    this.pace = pace;
  }

  /** Nothing waits. */
  get idle() {
    return this.#head === this.#queue.length;
  }

  /**
   * @param {ChatEvent} event
   * @param {number} now  ms
   */
  push(event, now) {
    this.#queue.push({ event, at: now });
    if (event.type === "done" || event.type === "error") this.#ended = true;
    if (event.type !== "text") return;
    if (this.#lastPush !== null) {
      const gap = now - this.#lastPush;
      this.#peak = Math.max(gap, this.#peak * 2 ** (-gap / FORGET));
    }
    this.#lastPush = now;
    this.backlog += event.text.length;
  }

  /**
   * What is to be shown now.
   *
   * @param {number} now  ms
   * @returns {ChatEvent[]}
   */
  frame(now) {
    if (now < this.#notBefore) return [];
    if (this.pace !== "smooth") {
      this.#notBefore = this.pace === "calm" ? now + CALM_INTERVAL : now;
      return this.flush();
    }
    const rested = this.#lastFrame === null; // nothing waited before this frame: time does not count from back then
    const elapsed = rested ? 16 : Math.min(now - /** @type {number} */ (this.#lastFrame), 250);
    this.#lastFrame = now;
    const horizon = this.#ended ? TAIL : Math.min(Math.max(this.#peak, SHORTEST), LONGEST);
    const want = this.backlog / horizon;
    this.#rate += (want - this.#rate) * (want > this.#rate ? 0.25 : 0.12);
    this.#rate = Math.max(this.#rate, this.#due(now), SLOWEST);
    this.#credit += this.#rate * elapsed;
    if (rested) this.#credit = Math.max(this.#credit, 1); // the first character comes with the very next frame
    return this.#take();
  }

  /**
   * Tell what showing the last frame cost: a dear one (a huge table, a slow phone) is followed by a pause.
   *
   * @param {number} ms
   * @param {number} now  ms
   */
  cost(ms, now) {
    if (ms > DEAR) this.#notBefore = now + Math.min(LONGEST_PAUSE, SHARE * ms);
  }

  /** How long nothing is going to be shown, in ms. @param {number} now  ms */
  pause(now) {
    return Math.max(0, this.#notBefore - now);
  }

  /** Everything that waits. @returns {ChatEvent[]} */
  flush() {
    const out = this.#queue.slice(this.#head).map(({ event }) => event);
    this.#rest();
    return out;
  }

  /**
   * The slowest rate that shows everything in time.
   *
   * @param {number} now
   */
  #due(now) {
    let rate = 0;
    let ahead = 0;
    for (let n = this.#head; n < this.#queue.length; n += 1) {
      const { event, at } = /** @type {{event: ChatEvent, at: number}} */ (this.#queue[n]);
      if (event.type !== "text") continue;
      ahead += event.text.length;
      rate = Math.max(rate, ahead / Math.max(at + MOST_BEHIND - now, 1));
    }
    return rate;
  }

  /** As much as the credit pays for. @returns {ChatEvent[]} */
  #take() {
    /** @type {ChatEvent[]} */
    const out = [];
    while (!this.idle) {
      const { event, at } = /** @type {{event: ChatEvent, at: number}} */ (this.#queue[this.#head]);
      if (event.type === "text") {
        const n = boundary(event.text, Math.floor(this.#credit));
        if (n < event.text.length) {
          if (n > 0) {
            out.push({ ...event, text: event.text.slice(0, n) });
            this.#queue[this.#head] = { event: { ...event, text: event.text.slice(n) }, at };
            this.#pay(n);
          }
          break;
        }
        this.#pay(n);
      }
      out.push(event);
      this.#head += 1;
    }
    if (this.idle) this.#rest();
    return out;
  }

  /** @param {number} characters */
  #pay(characters) {
    this.backlog -= characters;
    this.#credit -= characters;
  }

  #rest() {
    this.#queue = [];
    this.#head = 0;
    this.backlog = 0;
    this.#credit = 0;
    this.#lastFrame = null;
  }
}

/**
 * The last place at or before `n` where a reader would cut `text`; after the first character if that is longer than `n`.
 *
 * @param {string} text
 * @param {number} n
 */
function boundary(text, n) {
  if (n >= text.length) return text.length;
  if (n <= 0) return 0;
  const near = text.slice(0, n + 64); // no character is longer than this, and long events stay cheap
  const around = graphemes.segment(near).containing(n);
  if (!around || around.index === n) return n;
  return around.index > 0 ? around.index : around.segment.length;
}
