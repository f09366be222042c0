// @ts-check
// What was exported comes back as it was, and nothing else comes in.
import assert from "node:assert/strict";
import { test } from "node:test";
import { fromFile, Malformed, toFile } from "../../static/js/conversations/portable.js";
import { Tree } from "../../static/js/conversations/tree.js";
import { apply, empty } from "../../static/js/transcript.js";

let made = 0;
const newId = () => `new-${++made}`;
const pause = async () => {};

const transcript = [
  { type: "start", id: "gen-secret", model: "claude-test", message_id: "m" },
  { type: "block_start", index: 0, kind: "thinking", at_ms: 1 },
  { type: "thinking", index: 0, thinking: "hm" },
  { type: "signature", index: 0, signature: "signed" },
  { type: "block_stop", index: 0, at_ms: 2 },
  { type: "block_start", index: 1, kind: "tool_use", at_ms: 3, id: "t", name: "look" },
  { type: "tool_use", index: 1, id: "t", name: "look", input: { a: [1, { b: null }] } },
  { type: "block_stop", index: 1, at_ms: 4 },
  { type: "tool_result", tool_use_id: "t", content: [{ type: "text", text: "seen" }], is_error: false },
  { type: "block_start", index: 2, kind: "text", at_ms: 5, turn: 1 },
  { type: "text", index: 2, text: "Hel" },
  { type: "seam", index: 2, offset: 3, trimmed: 0, attempt: 1, mode: "ask" },
  { type: "text", index: 2, text: "lo" },
  { type: "citation", index: 2, citation: { url: "https://example.org" } },
  { type: "block_stop", index: 2, at_ms: 6 },
  {
    type: "done",
    stop_reason: "end_turn",
    usage: { output_tokens: 3 },
    cost_usd: 0.1,
    timing: { ttft_ms: 1, duration_ms: 2, tokens_per_second: null },
    digest: "d",
  },
].reduce((folded, event) => apply(folded, /** @type {any} */ (event)), empty());

/** @type {any} */
const whole = {
  conversation: { id: "c", title: "Rivers", created: 1, changed: 9, pinned: true, head: "a2", deleted: null },
  messages: [
    {
      role: "user",
      id: "p",
      conversation: "c",
      parent: null,
      created: 1,
      content: [{ type: "image", source: { type: "base64", data: "AAAA" } }],
    },
    {
      role: "assistant",
      id: "a1",
      conversation: "c",
      parent: "p",
      created: 2,
      key: "key-secret",
      asked: { model: "claude-test" },
      messages: null,
      generation: "gen-secret",
      cursor: "cursor-secret",
      transcript,
      turns: [{ role: "assistant", content: [{ type: "text", text: "Hello" }] }],
      unfinished: null,
    },
    {
      role: "assistant",
      id: "a2",
      conversation: "c",
      parent: "p",
      created: 3,
      key: "k",
      asked: {},
      messages: [],
      generation: null,
      cursor: null,
      transcript: empty(),
      turns: null,
      running: 1,
      unfinished: {
        kind: "refused",
        status: 429,
        fault: { type: "x", message: "y" },
        requestId: null,
        retryAfterMs: 5,
      },
    },
  ],
};

const exported = () => JSON.parse(toFile([whole], 0));

test("what was exported comes back, with ids of its own and nothing running", async () => {
  const [back] = await fromFile(JSON.stringify(exported()), newId, pause);
  assert.ok(back);
  const { conversation, messages } = back;
  assert.deepEqual([conversation.title, conversation.pinned, conversation.changed], ["Rivers", true, 9]);
  assert.notEqual(conversation.id, "c");
  const tree = new Tree(messages);
  const path = tree.path(conversation.head);
  assert.deepEqual(
    path.map(({ role }) => role),
    ["user", "assistant"],
  );
  assert.equal(tree.siblings(/** @type {any} */ (path[1])).length, 2);
  assert.ok(messages.every((message) => message.conversation === conversation.id && message.id.startsWith("new-")));
  const [prompt, first, second] = /** @type {any[]} */ (messages);
  assert.deepEqual(prompt.content, whole.messages[0].content);
  assert.deepEqual(first.transcript, {
    ...transcript,
    id: null,
    terminal: { ...transcript.terminal },
  });
  assert.deepEqual(first.turns, whole.messages[1].turns);
  assert.equal(second.running, undefined);
  assert.equal(second.unfinished.retryAfterMs, null);
});

test("a file opens no doors: it has no id of a generation, no key, no cursor", () => {
  assert.doesNotMatch(toFile([whole], 0), /secret/);
});

test("what is no such file is told from one that is damaged", async () => {
  for (const text of ["", "null", "[]", "{}", '{"format":"other"}', "<html>"]) {
    await assert.rejects(() => fromFile(text, newId, pause), { message: "" }, text);
  }
  for (const [place, damage] of /** @type {[string, (file: any) => void][]} */ ([
    ["file.version", (file) => (file.version = 2)],
    ["file.conversations", (file) => (file.conversations = {})],
    ["file.conversations[0].title", (file) => (file.conversations[0].title = { toString: "x" })],
    ["file.conversations[0].created", (file) => (file.conversations[0].created = "yesterday")],
    ["file.conversations[0].messages[0].content", (file) => (file.conversations[0].messages[0].content = 7)],
    ["file.conversations[0].messages[0].content[0]", (file) => (file.conversations[0].messages[0].content = ["x"])],
    ["file.conversations[0].messages[1].parent", (file) => (file.conversations[0].messages[1].parent = "a2")],
    ["file.conversations[0].messages[0].parent", (file) => (file.conversations[0].messages[0].parent = "a1")],
    ["file.conversations[0].messages[0].role", (file) => (file.conversations[0].messages[0].role = "system")],
    ["file.conversations[0].messages", (file) => (file.conversations[0].messages[2].id = "a1")],
    [
      "file.conversations[0].messages[1].transcript.blocks[0].text",
      (file) => (file.conversations[0].messages[1].transcript.blocks[0].text = []),
    ],
    [
      "file.conversations[0].messages[1].transcript.terminal.timing.duration_ms",
      (file) => (file.conversations[0].messages[1].transcript.terminal.timing.duration_ms = "1"),
    ],
  ])) {
    const file = exported();
    damage(file);
    await assert.rejects(
      () => fromFile(JSON.stringify(file), newId, pause),
      (error) => error instanceof Malformed && error.message === place,
      place,
    );
  }
});

test("fields that nobody knows do not come in, nor what is nested without end", async () => {
  const file = exported();
  file.conversations[0].messages[0].onclick = "x";
  file.conversations[0].messages[1].running = 1;
  file.conversations[0].messages[1].generation = "mine";
  file.conversations[0].deleted = 5;
  const text = JSON.stringify(file).replace('"title"', '"__proto__":{"polluted":true},"title"');
  const [back] = await fromFile(text, newId, pause);
  assert.ok(!Object.hasOwn(back?.messages[0] ?? {}, "onclick"));
  assert.ok(!Object.hasOwn(back?.messages[1] ?? {}, "running"));
  assert.equal(/** @type {any} */ (back)?.messages[1].generation, null);
  assert.equal(back?.conversation.deleted, null);
  assert.equal(/** @type {any} */ ({}).polluted, undefined);
  assert.equal(/** @type {any} */ (back)?.conversation.polluted, undefined);
  const deep = JSON.stringify(exported()).replace('"AAAA"', `${"[".repeat(5000)}${"]".repeat(5000)}`);
  await assert.rejects(() => fromFile(deep, newId, pause), Malformed);
});

test("a conversation of very many messages comes in", async () => {
  const file = exported();
  const [{ messages }] = file.conversations;
  const [prompt, answer] = messages;
  file.conversations[0].messages = Array.from({ length: 20_000 }, (_, n) =>
    n % 2 === 0
      ? { ...prompt, id: `m${n}`, parent: n === 0 ? null : `m${n - 1}`, content: "x" }
      : { ...answer, id: `m${n}`, parent: `m${n - 1}`, transcript: { ...empty() } },
  );
  let pauses = 0;
  const counted = async () => {
    pauses += 1;
  };
  const [back] = await fromFile(JSON.stringify(file), newId, counted);
  assert.equal(back?.messages.length, 20_000);
  assert.equal(pauses, 20_000); // the page may do something else after each
});
