// @ts-check
import assert from "node:assert/strict";
import { test } from "node:test";
import { history, promptText, reworded } from "../../static/js/conversations/history.js";
import { Tree } from "../../static/js/conversations/tree.js";
import { apply, empty } from "../../static/js/transcript.js";

/** @typedef {import("../../static/js/conversations/tree.js").Message} Message */
/** @typedef {import("../../static/js/conversations/tree.js").Reply} Reply */

/** @param {string} id @param {string | null} parent @param {number} created @returns {Message} */
const prompt = (id, parent, created) => ({
  role: "user",
  id,
  conversation: "c",
  parent,
  created,
  content: `ask ${id}`,
});

/** @param {string} id @param {string} parent @param {number} created @param {Partial<Reply>} [more] @returns {Reply} */
const reply = (id, parent, created, more = {}) => ({
  role: "assistant",
  id,
  conversation: "c",
  parent,
  created,
  key: "k",
  asked: {},
  messages: null,
  generation: null,
  cursor: null,
  transcript: empty(),
  turns: null,
  unfinished: null,
  ...more,
});

const grown = () =>
  new Tree([
    prompt("p1", null, 1),
    reply("a1", "p1", 2),
    reply("a2", "p1", 3),
    prompt("p2", "a1", 4),
    reply("a3", "p2", 5),
    prompt("p3", "a1", 6),
  ]);

/** @param {readonly Message[]} messages */
const ids = (messages) => messages.map(({ id }) => id);

test("a path leads from the first prompt to a leaf", () => {
  assert.deepEqual(ids(grown().path("a3")), ["p1", "a1", "p2", "a3"]);
  assert.deepEqual(ids(grown().path("gone")), []);
  assert.deepEqual(ids(grown().path(null)), []);
});

test("siblings are the same prompt's answers, or wordings of the same place, oldest first", () => {
  const tree = grown();
  assert.deepEqual(ids(tree.siblings(/** @type {Message} */ (tree.get("a2")))), ["a1", "a2"]);
  assert.deepEqual(ids(tree.siblings(/** @type {Message} */ (tree.get("p2")))), ["p2", "p3"]);
});

test("another branch is entered at its newest end", () => {
  assert.equal(grown().leaf("a1"), "p3");
  assert.equal(grown().leaf("p2"), "a3");
});

test("what was shown last is shown again, or what is newest when it is gone", () => {
  assert.equal(grown().head("a2"), "a2");
  assert.equal(grown().head("gone"), "a2");
  assert.equal(new Tree().head(null), null);
});

test("a message that changes stays in its place; one that goes leaves the others", () => {
  const tree = grown();
  tree.set(reply("a1", "p1", 2, { cursor: "1-9" }));
  assert.deepEqual(ids(tree.children("p1")), ["a1", "a2"]);
  tree.delete("a2");
  tree.delete("a2");
  assert.deepEqual(ids(tree.children("p1")), ["a1"]);
  assert.equal(tree.size, 5);
});

test("messages that are each other's parents are nobody's conversation", () => {
  const tree = new Tree([reply("a1", "p1", 1), prompt("p1", "a1", 2)]);
  assert.deepEqual(tree.path("a1"), []);
  assert.ok(tree.leaf("a1"));
});

/** @param {any[]} blocks @param {object} [asked] @returns {Reply} */
const said = (blocks, asked = {}) => reply("a", "p", 2, { turns: [{ role: "assistant", content: blocks }], asked });
const THINKING = { type: "thinking", thinking: "hm", signature: "s" };
const TEXT = { type: "text", text: "So." };

test("Claude is told what the gateway has, thinking as it came", () => {
  assert.deepEqual(history([prompt("p", null, 1), said([THINKING, TEXT])], {}), [
    { role: "user", content: "ask p" },
    { role: "assistant", content: [THINKING, TEXT] },
  ]);
});

test("where the gateway has not told, the transcript's own fold says it", () => {
  const transcript = [
    { type: "block_start", index: 0, kind: "text", at_ms: 1 },
    { type: "text", index: 0, text: "Half" },
  ].reduce((folded, event) => apply(folded, /** @type {any} */ (event)), empty());
  assert.deepEqual(history([reply("a", "p", 2, { transcript })], {}), [
    { role: "assistant", content: [{ type: "text", text: "Half" }] },
  ]);
});

test("thinking that was signed under another system prompt or other tools is left out, another model's is not", () => {
  const path = [said([THINKING, TEXT], { model: "a", system: "Be brief." })];
  assert.deepEqual(history(path, { model: "b", system: "Be brief." })[0]?.content, [THINKING, TEXT]);
  assert.deepEqual(history(path, { model: "a", system: "Be long." })[0]?.content, [TEXT]);
  assert.deepEqual(history(path, { system: "Be brief.", tools: [{ name: "x" }] })[0]?.content, [TEXT]);
});

test("calls that nobody answered, and turns of nothing but reasoning, are not told", () => {
  const call = { type: "tool_use", id: "t1", name: "look", input: {} };
  assert.deepEqual(history([said([THINKING, TEXT, call])], {})[0]?.content, [THINKING, TEXT]);
  assert.deepEqual(history([said([THINKING, call])], {}), []);
  assert.deepEqual(history([said([THINKING])], {}), []);
  const server = { type: "server_tool_use", id: "t2", name: "web_search", input: {} };
  const result = { type: "web_search_tool_result", tool_use_id: "t2", content: [] };
  assert.deepEqual(history([said([server, result])], {})[0]?.content, [server, result]);
});

test("a question that could not be asked as it was is not told, since nothing could be asked after it", () => {
  /** @param {Partial<Reply>} answer */
  const asked = (answer) =>
    history([prompt("p", null, 1), reply("a", "p", 2, answer), prompt("q", "a", 3)], {}).map(({ content }) => content);
  /** @param {string} type @returns {Partial<Reply>} */
  const refused = (type) => ({
    unfinished: { kind: "refused", status: 400, fault: { type, message: "" }, requestId: null, retryAfterMs: null },
  });
  /** @param {string} type @param {any[]} [said] @returns {Partial<Reply>} */
  const failed = (type, said = []) => ({
    transcript: [...said, { type: "error", error: { type, message: "" } }].reduce(apply, empty()),
  });
  for (const type of ["invalid_request_error", "request_too_large"]) {
    assert.deepEqual(asked(refused(type)), ["ask q"]);
    assert.deepEqual(asked(failed(type)), ["ask q"]);
  }
  for (const answer of [refused("overloaded_error"), failed("overloaded_error"), {}]) {
    assert.deepEqual(asked(answer), ["ask p", "ask q"], "Claude can still answer it");
  }
  const half = [
    { type: "block_start", index: 0, kind: "text", at_ms: 1 },
    { type: "text", index: 0, text: "Half" },
  ];
  assert.deepEqual(asked(failed("invalid_request_error", half)), ["ask p", [{ type: "text", text: "Half" }], "ask q"]);
});

test("a prompt in other words keeps what was attached", () => {
  const image = { type: "image", source: {} };
  assert.deepEqual(reworded([image, { type: "text", text: "old" }], "new"), [image, { type: "text", text: "new" }]);
  assert.equal(reworded("old", "new"), "new");
  assert.equal(promptText([image, { type: "text", text: "a" }, { type: "text", text: "b" }]), "a\n\nb");
});
