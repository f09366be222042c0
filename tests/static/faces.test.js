// @ts-check
import assert from "node:assert/strict";
import { test } from "node:test";
import { history } from "../../static/js/conversations/history.js";
import { inputLine, inputParts } from "../../static/js/faces/input.js";
import { host, shownJson } from "../../static/js/faces/result.js";
import { apply, empty } from "../../static/js/transcript.js";

test("the input of a call in a line: one value alone, several with their names, no longer than a line", () => {
  assert.equal(inputLine({ query: "rivers  of\nthe world" }), "rivers of the world");
  assert.equal(inputLine({ sides: 6, count: 2, nested: { x: 1 } }), "sides: 6, count: 2");
  assert.equal(inputLine({ content: "So far: rivers.", encrypted_content: "SECRET" }), "So far: rivers.");
  assert.equal(inputLine({}), "");
  assert.equal(inputLine(null), "");
  assert.equal(inputLine({ code: "x".repeat(500) }).length, 120);
});

test("of the input of a call, texts of several lines are set apart from the JSON", () => {
  assert.deepEqual(inputParts({ code: "a = 1\nb = 2" }), { json: "", texts: [["code", "a = 1\nb = 2"]] });
  assert.deepEqual(inputParts({ path: "a.py", text: "x\ny" }), {
    json: '{\n  "path": "a.py"\n}',
    texts: [["text", "x\ny"]],
  });
  assert.deepEqual(inputParts({ query: "rivers" }), { json: '{\n  "query": "rivers"\n}', texts: [] });
  assert.deepEqual(inputParts({}), { json: "{}", texts: [] });
  assert.deepEqual(inputParts({ encrypted_content: "a\nb" }).texts, []);
  assert.deepEqual(inputParts(["a\nb"]).texts, []);
  assert.deepEqual(inputParts(null), { json: "null", texts: [] });
});

test("what Claude encrypted and what is binary is not shown", () => {
  const shown = shownJson({ title: "a", encrypted_content: "SECRET", source: { data: "A".repeat(1000) } });
  assert.doesNotMatch(shown, /SECRET|AAAA/);
  assert.match(shown, /"title": "a"/);
  assert.match(shownJson({ data: "short" }), /short/);
});

test("an address has a host, anything else has none", () => {
  assert.equal(host("https://example.com:8080/a?b"), "example.com:8080");
  assert.equal(host("not an address"), "");
});

test("a question that was refused is not asked along again, nor what was said of it", () => {
  /** @param {string} reason */
  const answer = (reason) =>
    [
      { type: "block_start", index: 0, kind: "text", at_ms: 1 },
      { type: "text", index: 0, text: "Well" },
      { type: "block_stop", index: 0, at_ms: 2 },
      { type: "done", stop_reason: reason },
    ].reduce((transcript, event) => apply(transcript, /** @type {any} */ (event)), empty());
  /** @type {any[]} */
  const path = [
    { role: "user", content: "first" },
    { role: "assistant", asked: {}, transcript: answer("end_turn") },
    { role: "user", content: "refused" },
    { role: "assistant", asked: {}, transcript: answer("refusal") },
    { role: "user", content: "last" },
  ];
  assert.deepEqual(
    history(path, {}).map(({ role, content }) => [role, typeof content === "string" ? content : content[0]?.text]),
    [
      ["user", "first"],
      ["assistant", "Well"],
      ["user", "last"],
    ],
  );
});
