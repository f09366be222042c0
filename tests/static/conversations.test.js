// @ts-check
import assert from "node:assert/strict";
import { test } from "node:test";
import { toMarkdown } from "../../static/js/conversations/markdown.js";
import { byPeriod } from "../../static/js/conversations/periods.js";
import { found, snippet, terms } from "../../static/js/conversations/search.js";
import { tidyTitle, titleOf } from "../../static/js/conversations/title.js";
import { apply, empty } from "../../static/js/transcript.js";

for (const [prompt, title] of [
  ["How do rivers flow?", "How do rivers flow?"],
  ["\n\n  ## Rivers  \nand seas", "Rivers"],
  ["> - **Why** is `x` slow?", "Why is x slow?"],
  ["```js\nlet a\n```\nExplain this", "Explain this"],
  ["```js\nlet a\n```", "let a"],
  ["See [the page](https://example.org/very/long) now", "See the page now"],
  [`${"word ".repeat(30)}`, "word word word word word word word word word word word word…"],
  ["字".repeat(100), `${"字".repeat(60)}…`],
  ["👩‍👩‍👧‍👦".repeat(80), `${"👩‍👩‍👧‍👦".repeat(60)}…`],
  [" \n ", ""],
]) {
  test(`the title of ${JSON.stringify(prompt?.slice(0, 40))} is ${title?.slice(0, 20)}`, () => {
    assert.equal(titleOf(prompt ?? ""), title);
  });
}

test("a title by hand is one line of bounded length", () => {
  assert.equal(tidyTitle("  a \n b  "), "a b");
  assert.equal(tidyTitle("x".repeat(999)).length, 200);
});

test("words are found whatever their case, accents and order", () => {
  assert.ok(found("The CAFÉ at the Ωmega", terms("ωmega cafe")));
  assert.ok(found("Straße nach Żyrardów", terms("zyrardow")));
  assert.ok(!found("only one", terms("one two")));
  assert.deepEqual(terms("  A  b "), ["a", "b"]);
  assert.deepEqual(terms("   "), []);
});

test("a snippet shows the first hit as it was written, and where it was cut", () => {
  const text = `${"before ".repeat(20)}the Café, ${"after ".repeat(40)}`;
  const shown = snippet(text, terms("cafe"));
  assert.equal(shown?.hit, "Café");
  assert.match(shown?.before ?? "", /^…before .*the $/);
  assert.match(shown?.after ?? "", /^, after .*after…$/);
  assert.ok((shown?.before.length ?? 99) < 60);
  assert.equal(snippet("nothing", terms("cafe")), null);
});

test("a snippet is right behind characters that fold to several or none", () => {
  assert.equal(snippet("ﬁne 각 x́y target here", terms("target"))?.hit, "target");
  assert.equal(snippet("e\u0301e\u0301e\u0301 target", terms("target"))?.hit, "target");
  assert.equal(snippet("İstanbul target", terms("target"))?.hit, "target");
});

/** @param {string} id @param {number} changed @param {boolean} [pinned] */
const at = (id, changed, pinned = false) => ({
  id,
  title: id,
  created: 0,
  changed,
  pinned,
  head: null,
  deleted: null,
});

test("conversations stand by the reader's days, pinned first, newest first", () => {
  const now = new Date(2026, 2, 15, 9).getTime();
  const hour = 3_600_000;
  const groups = byPeriod(
    [
      at("old", now - 400 * 24 * hour),
      at("morning", now - 8 * hour),
      at("now", now),
      at("last night", now - 10 * hour),
      at("month", now - 20 * 24 * hour),
      at("pinned", now - 500 * 24 * hour, true),
      at("week", now - 6 * 24 * hour),
      at("future", now + hour),
    ],
    now,
  );
  assert.deepEqual(
    groups.map(({ period, conversations }) => [period, conversations.map(({ id }) => id)]),
    [
      ["pinned", ["pinned"]],
      ["today", ["future", "now", "morning"]],
      ["yesterday", ["last night"]],
      ["week", ["week"]],
      ["month", ["month"]],
      ["older", ["old"]],
    ],
  );
  assert.deepEqual(byPeriod([], now), []);
});

test("a conversation as Markdown has its branch in view, calls, sources, and nothing of the reasoning", () => {
  const transcript = [
    { type: "start", id: "g", model: "claude-test", message_id: null },
    { type: "block_start", index: 0, kind: "thinking", at_ms: 1 },
    { type: "thinking", index: 0, thinking: "secret" },
    { type: "block_start", index: 1, kind: "tool_use", at_ms: 2, id: "t", name: "look_up" },
    { type: "tool_use", index: 1, id: "t", name: "look_up", input: { q: "```" } },
    { type: "block_start", index: 2, kind: "text", at_ms: 3 },
    { type: "text", index: 2, text: "They **flow**.\n" },
    { type: "citation", index: 2, citation: { url: "https://example.org/a" } },
    { type: "citation", index: 2, citation: { url: "javascript:alert(1)" } },
  ].reduce((folded, event) => apply(folded, /** @type {any} */ (event)), empty());
  /** @type {any[]} */
  const messages = [
    {
      role: "user",
      id: "p",
      conversation: "c",
      parent: null,
      created: 1,
      content: [
        { type: "document", title: "a_b.txt" },
        { type: "text", text: "Why?" },
      ],
    },
    { role: "assistant", id: "a", conversation: "c", parent: "p", created: 2, asked: {}, transcript },
    { role: "user", id: "other", conversation: "c", parent: null, created: 0, content: "another branch" },
  ];
  const words = {
    you: "You",
    claude: (/** @type {string} */ model) => `Claude (${model})`,
    attachment: "Attachment",
    sources: "Sources:",
  };
  assert.equal(
    toMarkdown({ ...at("c", 1), title: "Rivers # 1", head: "a" }, messages, words),
    [
      "# Rivers \\# 1",
      "## You",
      "*Attachment: a\\_b.txt*",
      "Why?",
      "## Claude (claude-test)",
      '**look\\_up**\n\n````json\n{\n  "q": "```"\n}\n````',
      "They **flow**.",
      "Sources:\n\n- <https://example.org/a>\n",
    ].join("\n\n"),
  );
});
