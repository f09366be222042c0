// @ts-check
/** What a response that is no stream means for a generation. */

/** @typedef {import("./events.js").Fault} Fault */

/** @typedef {{kind: "refused", status: number, fault: Fault, requestId: string | null, retryAfterMs: number | null}} Refused */
/**
 * How it ended. `refused`: an HTTP error instead of a stream (status 0: nobody there); `interrupted`: the rest is lost;
 * `stopped`: the reader stopped it and nobody confirmed.
 *
 * @typedef {{kind: "ended"} | {kind: "interrupted"} | {kind: "stopped"} | Refused} Outcome
 */

/** A response that settles the matter by its status. */
export class Verdict extends Error {
  /** @param {Outcome} outcome */
  constructor(outcome) {
    super(outcome.kind);
    this.outcome = outcome;
  }
}

/** A response that is worth another attempt, perhaps not before some time. */
export class Busy extends Error {
  /** @param {number} status @param {number | null} [retryAfterMs] */
  constructor(status, retryAfterMs = null) {
    super(`status ${status}`);
    this.retryAfterMs = retryAfterMs;
  }
}

/**
 * @param {Response} response
 * @param {boolean} begun  the generation is known to have begun: this is about reading on
 * @returns {Promise<Verdict | Busy>}
 */
export async function judge(response, begun) {
  const { status } = response;
  const retryAfterMs = secondsToMs(response.headers.get("Retry-After"));
  if (begun) {
    if (status === 429 || status >= 500) return new Busy(status, retryAfterMs);
    if (status !== 401 && status !== 403) return new Verdict({ kind: "interrupted" });
  }
  const body = await response.json().catch(() => null);
  // 502, 503 and 504 in another shape than ours: a proxy speaks while the gateway behind it restarts
  if (!body?.error && status >= 502 && status <= 504) return new Busy(status);
  return new Verdict(refused(status, body, retryAfterMs));
}

/**
 * @param {number} status
 * @param {any} body
 * @param {number | null} retryAfterMs
 * @returns {Refused}
 */
export function refused(status, body, retryAfterMs) {
  const fault = body?.error ?? { type: status === 0 ? "network_error" : "api_error", message: "" };
  return { kind: "refused", status, fault, requestId: body?.request_id ?? null, retryAfterMs };
}

/** @param {string | null} header  Retry-After: seconds or a date */
function secondsToMs(header) {
  if (header === null) return null;
  const ms = /^\d+$/.test(header) ? Number(header) * 1000 : Date.parse(header) - Date.now();
  return Number.isFinite(ms) ? Math.max(0, ms) : null;
}
