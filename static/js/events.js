// @ts-check
/**
 * What a generation says: one frame in, one typed event out.
 *
 * Pure. The shapes are the gateway's; `index` counts content blocks over the whole generation, `at_ms` is
 * milliseconds since it began. A type that this page does not know (a newer gateway's) becomes `unknown`
 * instead of an error: nothing that arrives may stop an answer from being shown.
 */

/** @typedef {import("./sse.js").Frame} Frame */

/** @typedef {Record<string, any>} Json  Claude's own objects, kept as they came */

/** @typedef {{type: "start", id: string, model: string, message_id: string | null}} Start */
/**
 * `turn` (0 when absent): the assistant message it belongs to; `extra`: what else Claude began the block with.
 *
 * @typedef {{type: "block_start", index: number, kind: string, at_ms: number, id?: string, name?: string, turn?: number,
 *   extra?: Json}} BlockStart
 */
/** @typedef {{type: "text", index: number, text: string}} Text */
/** @typedef {{type: "thinking", index: number, thinking: string, estimated_tokens?: number}} Thinking */
/** @typedef {{type: "signature", index: number, signature: string}} Signature */
/** @typedef {{type: "citation", index: number, citation: Json}} Citation */
/** @typedef {{type: "tool_input", index: number, partial_json: string}} ToolInput */
/** @typedef {{type: "tool_use", index: number, id: string, name: string, input: Json | null} & Json} ToolUse */
/** @typedef {{type: "block", index: number, block: Json}} Block  any other content block, whole */
/** @typedef {{type: "block_stop", index: number, at_ms: number}} BlockStop */
/** @typedef {{type: "tool_result", tool_use_id: string, content: any, is_error: boolean}} ToolResult */
/** @typedef {{type: "usage"} & Json} Usage */
/** @typedef {{type: "retry", reason: string, attempt: number, delay_ms: number, discard: number[]}} Retry */
/** @typedef {{type: "seam", index: number, offset: number, trimmed: number, attempt: number, mode: string}} Seam */
/** @typedef {{type: "unknown", event: string, data: any}} Unknown */

/** @typedef {{type: string, message: string, retryable?: boolean, retry_after_s?: number}} Fault */
/** @typedef {{type: "error", error: Fault, request_id?: string | null, usage?: Json | null, digest?: string | null}} Failed */
/** @typedef {{ttft_ms: number | null, duration_ms: number, tokens_per_second: number | null}} Timing */
/**
 * @typedef {object} Done
 * @property {"done"} type
 * @property {string | null} stop_reason  Claude's, or "cancelled", or "abandoned"
 * @property {string | null} [stop_sequence]
 * @property {Json} [message]
 * @property {Json} [usage]
 * @property {number | null} [cost_usd]
 * @property {Timing} [timing]
 * @property {string} [digest]
 */

/** @typedef {Done | Failed} Terminal */
/**
 * @typedef {Start | BlockStart | Text | Thinking | Signature | Citation | ToolInput | ToolUse | Block | BlockStop
 *   | ToolResult | Usage | Retry | Seam | Unknown | Terminal} ChatEvent
 */

const KNOWN = new Set([
  ..."start block_start text thinking signature citation tool_input tool_use block block_stop".split(" "),
  ..."tool_result usage retry seam unknown error done".split(" "),
]);

/** @param {Frame} frame */
export function isEnd(frame) {
  return frame.data === "[DONE]";
}

/** What was asked is what is wrong: asked again as it is, it is refused again. @param {Fault} fault */
export function isOfTheQuestion({ type }) {
  return type === "invalid_request_error" || type === "request_too_large";
}

/** @param {ChatEvent} event @returns {event is Terminal} */
export function isTerminal(event) {
  return event.type === "done" || event.type === "error";
}

/**
 * The event that `frame` carries. Ask `isEnd` first: the closing frame carries none.
 *
 * @param {Frame} frame
 * @returns {ChatEvent}
 */
export function decode(frame) {
  let value;
  try {
    value = JSON.parse(frame.data);
  } catch {
    return { type: "unknown", event: "malformed", data: frame.data };
  }
  if (value === null || typeof value !== "object" || typeof value.type !== "string") {
    return { type: "unknown", event: "malformed", data: value };
  }
  return KNOWN.has(value.type) ? value : { type: "unknown", event: value.type, data: value };
}
