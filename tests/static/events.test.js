// @ts-check
import assert from "node:assert/strict";
import { test } from "node:test";
import { decode, isEnd, isTerminal } from "../../static/js/events.js";

/** @param {unknown} value */
const frame = (value) => ({
  id: "1-1",
  event: "message",
  data: typeof value === "string" ? value : JSON.stringify(value),
});

test("an event comes as it was sent", () => {
  const event = { type: "text", index: 0, text: "a\u2028b" };
  assert.deepEqual(decode(frame(event)), event);
});

test("a type that this page does not know is kept as unknown", () => {
  const event = { type: "hologram", index: 3 };
  assert.deepEqual(decode(frame(event)), { type: "unknown", event: "hologram", data: event });
});

test("what is no event is unknown, not an error", () => {
  for (const data of ["{", "null", "7", '"text"', "[]", '{"type":1}']) {
    assert.equal(decode(frame(data)).type, "unknown", data);
  }
});

test("only the closing frame ends a stream", () => {
  assert.equal(isEnd(frame("[DONE]")), true);
  assert.equal(isEnd(frame({ type: "text", text: "[DONE]", index: 0 })), false);
});

test("done and error are terminal, a retry is not", () => {
  assert.equal(isTerminal({ type: "done", stop_reason: "end_turn" }), true);
  assert.equal(isTerminal({ type: "error", error: { type: "api_error", message: "" } }), true);
  assert.equal(isTerminal({ type: "retry", reason: "", attempt: 1, delay_ms: 0, discard: [] }), false);
});
