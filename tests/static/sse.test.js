// @ts-check
// Vectors after the Web Platform Tests' eventsource/format-* cases, written anew; each is fed whole, byte by byte and at
// every cut, because where a chunk ends must never matter.
import assert from "node:assert/strict";
import { test } from "node:test";
import { Decoder, FrameTooLargeError } from "../../static/js/sse.js";

/** @typedef {import("../../static/js/sse.js").Frame} Frame */

/**
 * @param {Uint8Array[]} chunks
 * @returns {{frames: Frame[], retryMs: number | null}}
 */
function decode(chunks) {
  const decoder = new Decoder();
  const frames = chunks.flatMap((chunk) => decoder.feed(chunk));
  return { frames, retryMs: decoder.retryMs };
}

/** @param {string} data @param {Partial<Frame>} [rest] @returns {Frame} */
const message = (data, rest = {}) => ({ id: null, event: "message", data, ...rest });

/** @type {[string, string | Uint8Array, Frame[]][]} */
const CASES = [
  ["one frame", "data: x\n\n", [message("x")]],
  ["several data lines are joined", "data: a\ndata: b\n\n", [message("a\nb")]],
  ["one space after the colon is dropped, no more", "data:  x\ndata:x\ndata:\tx\n\n", [message(" x\nx\n\tx")]],
  ["a field without colon has an empty value", "data\n\n", [message("")]],
  ["two empty data lines make one line feed", "data\ndata\n\n", [message("\n")]],
  ["an empty data line is data", "data:\n\n", [message("")]],
  ["a frame without data is none", "event: x\nid: 1\n\ndata: y\n\n", [message("y")]],
  ["blank lines between frames are nothing", "\n\ndata: x\n\n\n\ndata: y\n\n", [message("x"), message("y")]],
  ["what is unfinished at the end is dropped", "data: x\n\ndata: y\n", [message("x")]],
  ["CR ends a line", "data: x\r\rdata: y\r\r", [message("x"), message("y")]],
  ["CRLF ends one line, not two", "data: x\r\ndata: y\r\n\r\n", [message("x\ny")]],
  ["all line ends mixed", "data: a\r\ndata: b\rdata: c\n\r\ndata: d\n\n", [message("a\nb\nc"), message("d")]],
  ["LF CR is two line ends", "data: a\n\rdata: b\r\n\n", [message("a"), message("b")]],
  ["other separators are text", "data: a\u2028b\u2029c\u0085d\ve\ff\n\n", [message("a\u2028b\u2029c\u0085d\ve\ff")]],
  ["a comment is nothing", ": ping\n\n:\ndata: x\n:data: y\n\n", [message("x")]],
  ["a field name is exact", "Data: x\n data: y\ndata : z\n\n", []],
  ["a name of one's own", "event: tick\ndata: x\n\ndata: y\n\n", [message("x", { event: "tick" }), message("y")]],
  ["an empty name is the default", "event: tick\nevent:\ndata: x\n\n", [message("x")]],
  ["an id belongs to its frame", "id: 1-1\ndata: x\n\ndata: y\n\n", [message("x", { id: "1-1" }), message("y")]],
  ["an id with NUL is ignored", "id: 1\0\ndata: x\n\n", [message("x")]],
  ["an empty id", "id\ndata: x\n\n", [message("x", { id: "" })]],
  ["NUL in data stays", "data: a\0b\n\n", [message("a\0b")]],
  ["a leading byte order mark is dropped", "\ufeffdata: x\n\n", [message("x")]],
  ["only one, and only in front", "\ufeff\ufeffdata: x\n\ndata: \ufeffy\n\n", [message("\ufeffy")]],
  ["characters of all lengths", "data: é 漢 👩‍👩‍👧 \u{10ffff}\n\n", [message("é 漢 👩‍👩‍👧 \u{10ffff}")]],
  [
    "what is no UTF-8 is replaced, not lost",
    Uint8Array.of(0x64, 0x61, 0x74, 0x61, 0x3a, 0xff, 0x41, 0xe2, 0x82, 0x0a, 0x0a),
    [message("\ufffdA\ufffd")],
  ],
  ["text that looks like an end is text", 'data: "\\n\\ndata: [DONE]"\n\n', [message('"\\n\\ndata: [DONE]"')]],
  ["the closing frame", "id: 1-9\ndata: [DONE]\n\n", [message("[DONE]", { id: "1-9" })]],
];

for (const [name, stream, expected] of CASES) {
  test(name, () => {
    const bytes = typeof stream === "string" ? new TextEncoder().encode(stream) : stream;
    assert.deepEqual(decode([bytes]).frames, expected, "whole");
    assert.deepEqual(decode([...bytes].map((byte) => Uint8Array.of(byte))).frames, expected, "byte by byte");
    for (let cut = 0; cut <= bytes.length; cut += 1) {
      assert.deepEqual(decode([bytes.subarray(0, cut), bytes.subarray(cut)]).frames, expected, `cut at ${cut}`);
    }
  });
}

test("a retry line is remembered when it is a number", () => {
  for (const [stream, expected] of /** @type {[string, number | null][]} */ ([
    ["retry: 1500\n\n", 1500],
    ["retry:0\n\n", 0],
    ["retry: 3000\nretry: +5\n\n", 3000],
    ["retry: 1_0\n\n", null],
    ["retry: 1.5\n\n", null],
    ["retry\n\n", null],
  ])) {
    assert.equal(decode([new TextEncoder().encode(stream)]).retryMs, expected, stream);
  }
});

test("a frame that grows without end is refused with both numbers", () => {
  const decoder = new Decoder({ maxFrameChars: 10 });
  const chunk = new TextEncoder().encode("data: 12345");
  assert.throws(() => decoder.feed(chunk), new FrameTooLargeError("a frame has 11 characters, limit 10"));
});

test("many small chunks of one long line cost linear time", () => {
  const piece = new TextEncoder().encode("x".repeat(64));
  const decoder = new Decoder();
  for (let n = 0; n < 40_000; n += 1) decoder.feed(piece);
  decoder.feed(new TextEncoder().encode("\ndata: y\n\n"));
});
