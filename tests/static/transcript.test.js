// @ts-check
import assert from "node:assert/strict";
import { test } from "node:test";
import { apply, empty, plainText } from "../../static/js/transcript.js";
import { turns } from "../../static/js/turns.js";
import { unfold } from "../../static/js/unfold.js";

/** @typedef {import("../../static/js/events.js").ChatEvent} ChatEvent */

/** @param {any[]} events */
const fold = (...events) => events.flat().reduce((transcript, event) => apply(transcript, event), empty());

const start = { type: "start", id: "g", model: "claude-test", message_id: null };
const end = { type: "done", stop_reason: "end_turn", usage: { output_tokens: 3 } };
/** @param {number} index @param {string} kind @param {object} [more] */
const begin = (index, kind, more = {}) => ({ type: "block_start", index, kind, at_ms: index * 10, ...more });
/** @param {number} index */
const stop = (index) => ({ type: "block_stop", index, at_ms: index * 10 + 5 });
/** @param {number} index @param {string[]} pieces */
const text = (index, ...pieces) => [
  begin(index, "text"),
  ...pieces.map((piece) => ({ type: "text", index, text: piece })),
];
/** @param {number} index @param {string} words */
const thought = (index, words) => [
  begin(index, "thinking"),
  ...(words ? [{ type: "thinking", index, thinking: words }] : []),
  { type: "signature", index, signature: `signed ${words}` },
  stop(index),
];
/** @param {number} index @param {string} id @param {object | null} input */
const call = (index, id, input) => [
  begin(index, "tool_use", { id, name: "look" }),
  { type: "tool_input", index, partial_json: '{"at":' },
  { type: "tool_use", index, id, name: "look", input },
  stop(index),
];
/** @param {string} id */
const result = (id) => ({ type: "tool_result", tool_use_id: id, content: "seen", is_error: false });
/** @param {number[]} discard */
const retry = (...discard) => ({ type: "retry", reason: "reset", attempt: 1, delay_ms: 1, discard });
/** @param {number} index @param {number} offset */
const seam = (index, offset) => ({ type: "seam", index, offset, trimmed: 0, attempt: 1, mode: "ask" });

test("text of one index is one block", () => {
  const transcript = fold(start, text(0, "Hel", "lo"), stop(0), end);
  assert.deepEqual(turns(transcript), [{ role: "assistant", content: [{ type: "text", text: "Hello" }] }]);
  assert.deepEqual(transcript.usage, { output_tokens: 3 });
});

test("what a model thought and called before another one took over does not go back", () => {
  const fallback = { type: "fallback", from: { model: "a" }, to: { model: "b" } };
  const takenOver = [begin(2, "fallback"), { type: "block", index: 2, block: fallback }, stop(2)];
  const transcript = fold(
    start,
    thought(0, "Hm"),
    call(1, "t1", {}),
    result("t1"),
    takenOver,
    thought(3, "Ah"),
    text(4, "b"),
  );
  assert.deepEqual(turns(transcript), [
    {
      role: "assistant",
      content: [fallback, { type: "thinking", thinking: "Ah", signature: "signed Ah" }, { type: "text", text: "b" }],
    },
  ]);
});

test("a fold leaves the transcript it was given as it was", () => {
  const before = fold(start, text(0, "a"));
  const copy = structuredClone(before);
  apply(before, /** @type {ChatEvent} */ ({ type: "text", index: 0, text: "b" }));
  assert.deepEqual(before, copy);
});

test("thinking goes back with its signature, also when its text was left out", () => {
  assert.deepEqual(turns(fold(thought(0, ""), text(1, "So."), end))[0]?.content, [
    { type: "thinking", thinking: "", signature: "signed " },
    { type: "text", text: "So." },
  ]);
});

test("thinking that was never signed does not go back", () => {
  const unsigned = [begin(0, "thinking"), { type: "thinking", index: 0, thinking: "hm" }];
  assert.deepEqual(turns(fold(unsigned, text(1, "So.")))[0]?.content, [{ type: "text", text: "So." }]);
});

test("citations stay on their text block as Claude sent them", () => {
  const citation = { type: "char_location", cited_text: "x", document_index: 0 };
  const transcript = fold(text(0, "a"), { type: "citation", index: 0, citation }, stop(0), text(1, "b"));
  assert.deepEqual(turns(transcript)[0]?.content, [
    { type: "text", text: "a", citations: [citation] },
    { type: "text", text: "b" },
  ]);
});

test("blocks of other kinds go back whole", () => {
  const block = { type: "redacted_thinking", data: "…" };
  const transcript = fold(begin(0, "redacted_thinking"), { type: "block", index: 0, block }, stop(0), text(1, "b"));
  assert.deepEqual(turns(transcript)[0]?.content, [block, { type: "text", text: "b" }]);
});

test("a call that the gateway answered makes three messages", () => {
  const transcript = fold(
    text(0, "Let me look."),
    call(1, "t1", { at: "x" }),
    result("t1"),
    begin(2, "text", { turn: 1 }),
    { type: "text", index: 2, text: "It is there." },
    end,
  );
  assert.deepEqual(turns(transcript), [
    {
      role: "assistant",
      content: [
        { type: "text", text: "Let me look." },
        { type: "tool_use", id: "t1", name: "look", input: { at: "x" } },
      ],
    },
    { role: "user", content: [{ type: "tool_result", tool_use_id: "t1", content: "seen" }] },
    { role: "assistant", content: [{ type: "text", text: "It is there." }] },
  ]);
});

test("results stand in the order of their calls, whichever came first", () => {
  const transcript = fold(call(0, "t1", {}), call(1, "t2", {}), result("t2"), result("t1"), end);
  assert.deepEqual(
    /** @type {any} */ (turns(transcript)[1]).content.map((/** @type {any} */ block) => block.tool_use_id),
    ["t1", "t2"],
  );
});

test("a call inside which Claude was cut off does not go back", () => {
  const transcript = fold(text(0, "Let me look."), call(1, "t1", null));
  assert.deepEqual(turns(transcript), [{ role: "assistant", content: [{ type: "text", text: "Let me look." }] }]);
  const server = { type: "server_tool_use", id: "t2", name: "web_search", input: null };
  const own = fold(text(0, "Hm."), begin(1, "server_tool_use"), { type: "block", index: 1, block: server }, stop(1));
  assert.deepEqual(turns(own), [{ role: "assistant", content: [{ type: "text", text: "Hm." }] }]);
});

test("what else Claude began a block with goes back too", () => {
  const transcript = fold(begin(0, "text", { extra: { tag: 1 } }), { type: "text", index: 0, text: "a" }, end);
  assert.deepEqual(turns(transcript)[0]?.content, [{ type: "text", text: "a", tag: 1 }]);
});

test("a generation that said nothing adds no turn", () => {
  assert.deepEqual(turns(fold(start)), []);
  assert.deepEqual(turns(fold(start, text(0, " \n"), end)), []);
});

test("discarded blocks are void", () => {
  const transcript = fold(begin(0, "thinking"), retry(0), thought(1, "again"), text(2, "So."), end);
  assert.deepEqual(turns(transcript)[0]?.content, [
    { type: "thinking", thinking: "again", signature: "signed again" },
    { type: "text", text: "So." },
  ]);
});

test("after a seam the text goes on in its block, and the continuation's own thinking is not sent back", () => {
  const transcript = fold(
    thought(0, "first"),
    text(1, "Hello wo"),
    retry(),
    thought(2, "where was I"),
    seam(1, 8),
    { type: "text", index: 1, text: "rld" },
    stop(1),
    end,
  );
  assert.equal(plainText(transcript), "Hello world");
  assert.deepEqual(turns(transcript)[0]?.content, [
    { type: "thinking", thinking: "first", signature: "signed first" },
    { type: "text", text: "Hello world" },
  ]);
});

test("thinking after a break belongs to whoever it led to: an answer that began anew, or a continuation", () => {
  const anew = fold(
    begin(0, "thinking"),
    retry(0),
    thought(1, "again"),
    text(2, "So."),
    stop(2),
    thought(3, "on"),
    end,
  );
  assert.deepEqual(
    /** @type {any} */ (turns(anew)[0]).content.map((/** @type {any} */ block) => block.type),
    ["thinking", "text", "thinking"],
  );
  const goesOn = fold(
    text(0, "Hello wo"),
    retry(),
    seam(0, 8),
    { type: "text", index: 0, text: "rld" },
    stop(0),
    thought(1, "the continuation's own"),
    call(2, "t1", {}),
    result("t1"),
    begin(3, "thinking", { turn: 1 }),
    { type: "signature", index: 3, signature: "s" },
    stop(3),
    end,
  );
  assert.deepEqual(
    turns(goesOn).map(({ content }) => /** @type {any} */ (content).map((/** @type {any} */ block) => block.type)),
    [["text", "tool_use"], ["tool_result"], ["thinking"]],
    "until the turn ends",
  );
});

test("thinking behind what Claude had found when it broke off is the continuation's own too", () => {
  const search = { type: "server_tool_use", id: "s1", name: "web_search", input: {} };
  const found = { type: "web_search_tool_result", tool_use_id: "s1", content: [] };
  const transcript = fold(
    [begin(0, "server_tool_use"), { type: "block", index: 0, block: search }, stop(0)],
    [begin(1, "web_search_tool_result"), { type: "block", index: 1, block: found }, stop(1)],
    [begin(2, "thinking"), retry(2)],
    thought(3, "again"),
    text(4, "So."),
  );
  assert.deepEqual(turns(transcript)[0]?.content, [search, found, { type: "text", text: "So." }]);
});

test("nothing changes after the ending", () => {
  const transcript = fold(text(0, "a"), end);
  assert.equal(apply(transcript, /** @type {ChatEvent} */ ({ type: "text", index: 0, text: "b" })), transcript);
});

test("unfolding and folding again gives what can be seen", () => {
  const transcript = fold(
    start,
    thought(0, "hm"),
    text(1, "ab"),
    { type: "citation", index: 1, citation: { cited_text: "x" } },
    stop(1),
    call(2, "t1", { at: "x" }),
    result("t1"),
    text(3, "cd"),
    seam(3, 2),
    { type: "text", index: 3, text: "ef" },
    stop(3),
    end,
  );
  const again = fold(...unfold(JSON.parse(JSON.stringify(transcript))));
  assert.deepEqual(turns(again), turns(transcript));
  assert.equal(plainText(again), plainText(transcript));
  assert.deepEqual(again.terminal, transcript.terminal);
  assert.deepEqual(again.blocks[3]?.seams, [2]);
});
