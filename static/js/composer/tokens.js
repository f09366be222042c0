// @ts-check
/**
 * How many tokens the next request would have, as Claude counts them.
 *
 * Asked once the reader pauses; a question that is out of date is given up. Nobody waits for the answer, so whatever
 * goes wrong means that no number is shown.
 */

/** ms without a change */
const PAUSE = 700;
/** bytes: a larger body is not sent just to be counted */
const WORTH_COUNTING = 2 * 1024 * 1024;

export class TokenCount {
  #fetch;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;
  #asking = new AbortController();

  /** @type {(tokens: number | null) => void} null: not known */
  onCount = () => {};

  /** @param {(url: string, init: RequestInit) => Promise<Response>} fetch */
  constructor(fetch) {
    this.#fetch = fetch;
  }

  /** Count what `request` gives, soon; nothing for null. @param {(() => object) | null} request */
  watch(request) {
    clearTimeout(this.#timer);
    this.#asking.abort();
    if (request === null) this.onCount(null);
    else this.#timer = setTimeout(() => void this.#ask(request()), PAUSE);
  }

  /** @param {object} request */
  async #ask(request) {
    const body = JSON.stringify(request);
    if (body.length > WORTH_COUNTING) return this.onCount(null);
    this.#asking = new AbortController();
    const { signal } = this.#asking;
    try {
      const headers = { "Content-Type": "application/json" };
      const response = await this.#fetch("api/chat/count_tokens", { method: "POST", headers, body, signal });
      const { input_tokens } = await response.json();
      if (!signal.aborted) this.onCount(Number.isInteger(input_tokens) ? input_tokens : null);
    } catch {
      if (!signal.aborted) this.onCount(null);
    }
  }
}
