// @ts-check
/**
 * The browser's connections, shared out among the answers that are being written.
 *
 * Over HTTP/1.1 a browser opens six connections to one host, for all its tabs together. A stream keeps its own to its
 * end, so with six of them nothing else gets through: no Stop, no question. Hence all tabs together read at most four
 * streams over HTTP, each with one of four locks, and begin at most one question more at a time; whoever finds none
 * free reads over a WebSocket (socket.js), of which browsers open hundreds. That leaves one for what is short.
 *
 * Where nothing is bounded (HTTP/2) every stream has a line. Where tabs cannot count together (no locks, as on a page
 * that is not served securely) none has, while WebSockets come through.
 */

/** @typedef {Pick<LockManager, "request">} Locks */
/** @typedef {() => void} Release */

const NAME = "claude-gateway/line";
const STREAMS = [0, 1, 2, 3].map((n) => `${NAME}/${n}`);
/** the one that a question without a line begins on */
const BEGINNING = `${NAME}/beginning`;

export class Lines {
  #locks;
  #bounded;

  /** The last WebSocket came through; null before one has been tried. @type {boolean | null} */
  sockets = null;

  /** @param {Locks | null} locks @param {boolean} bounded */
  constructor(locks, bounded) {
    this.#locks = locks;
    this.#bounded = bounded;
  }

  /** A line, to be given back; null when none is free. @returns {Promise<Release | null>} */
  async take() {
    if (!this.#bounded) return () => {};
    if (!this.#locks) return this.sockets === false ? () => {} : null;
    for (const name of STREAMS) {
      const release = await hold(this.#locks, name, { ifAvailable: true });
      if (release) return release;
    }
    return null;
  }

  /** A line as soon as one is free; null when `signal` is aborted before. @param {AbortSignal} signal @returns {Promise<Release | null>} */
  async wait(signal) {
    const locks = this.#locks;
    if (!locks || signal.aborted) return this.take();
    const enough = new AbortController();
    const giveUp = () => enough.abort();
    signal.addEventListener("abort", giveUp);
    /** @type {Release | null} */
    let got = null;
    const asked = STREAMS.map(async (name) => {
      const release = await hold(locks, name, { signal: enough.signal }).catch(() => null);
      if (release === null) return;
      if (got) return release(); // two were given at once
      got = release;
      giveUp();
    });
    await Promise.all(asked);
    signal.removeEventListener("abort", giveUp);
    return got;
  }

  /** The turn to begin a question without a line. @param {AbortSignal} signal @returns {Promise<Release>} @throws when `signal` is aborted before */
  async begin(signal) {
    return (this.#locks && (await hold(this.#locks, BEGINNING, { signal }))) ?? (() => {});
  }
}

/** @param {Locks} locks @param {string} name @param {LockOptions} options @returns {Promise<Release | null>} */
function hold(locks, name, options) {
  return new Promise((resolve, reject) => {
    const keep = (/** @type {Lock | null} */ lock) =>
      lock ? new Promise((release) => resolve(() => release(undefined))) : resolve(null);
    locks.request(name, options, keep).catch(reject);
  });
}
