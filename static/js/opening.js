// @ts-check
/**
 * How a stream is opened: over HTTP, where the browser has a connection left to the gateway; else over a WebSocket, of
 * which it has many. A question is always asked over HTTP.
 */

/** @typedef {import("./connection.js").Surroundings} Surroundings */

/** ms that a line is waited for, where a WebSocket has not come through, before the next one is tried */
const QUEUE = 5_000;

export class Opening {
  #request;
  #key;
  #around;
  #unheard = false; // the last WebSocket did not come through

  /** It waits for one of the browser's connections. */
  onQueued = () => {};
  /** From now on the gateway may have been asked. */
  onSent = () => {};
  /** @type {(id: string | null) => void} */
  onId = () => {};

  /**
   * @param {object} request  body of POST /api/chat
   * @param {string} key  Idempotency-Key
   * @param {Surroundings} around
   */
  constructor(request, key, around) {
    this.#request = request;
    this.#key = key;
    this.#around = around;
  }

  /**
   * One of the browser's connections, to be given back; null: a WebSocket has to do.
   *
   * @param {boolean} begun  the generation's id is known
   * @param {AbortSignal} signal
   */
  async line(begun, signal) {
    const { lines, sleep } = this.#around;
    let line = await lines.take();
    while (line === null && !signal.aborted && (this.#unheard || !(begun || (await this.#reaches(signal))))) {
      this.#unheard = false;
      this.onQueued();
      const enough = new AbortController();
      void sleep(QUEUE, signal).then(() => enough.abort());
      line = await lines.wait(enough.signal);
    }
    return line;
  }

  /** A question is not asked whose answer could not be read: do WebSockets come through? @param {AbortSignal} signal */
  async #reaches(signal) {
    const { lines, reach } = this.#around;
    lines.sockets ||= await reach(signal);
    return lines.sockets;
  }

  /** @param {string | null} id @param {string | null} cursor @param {AbortSignal} signal @returns {Promise<Response>} */
  overHttp(id, cursor, signal) {
    const { fetch } = this.#around;
    this.onSent();
    if (id === null) {
      const headers = { "Content-Type": "application/json", "Idempotency-Key": this.#key };
      return fetch("api/chat", { method: "POST", headers, body: JSON.stringify(this.#request), signal });
    }
    /** @type {Record<string, string>} */
    const headers = cursor === null ? {} : { "Last-Event-ID": cursor };
    return fetch(`api/chat/${id}/stream`, { headers, signal, cache: "no-store" });
  }

  /** @param {string | null} id @param {string | null} cursor @param {AbortSignal} signal @returns {Promise<Response>} */
  async overSocket(id, cursor, signal) {
    if (id !== null) return this.#listen(id, cursor, signal);
    const begun = await this.#around.lines.begin(signal);
    try {
      const response = await this.overHttp(null, null, signal);
      const known = response.headers.get("X-Chat-Id");
      this.onId(known);
      if (!response.ok || known === null) return response;
      const listening = await this.#listen(known, cursor, signal); // before the other is given up: somebody reads all the time
      void response.body?.cancel().catch(() => {});
      return listening;
    } finally {
      begun();
    }
  }

  /** @param {string} id @param {string | null} cursor @param {AbortSignal} signal */
  async #listen(id, cursor, signal) {
    this.onSent();
    const { lines, listen } = this.#around;
    try {
      const response = await listen(id, cursor, signal);
      lines.sockets = true;
      return response;
    } catch (error) {
      this.#unheard = true;
      lines.sockets = false;
      throw error;
    }
  }
}
