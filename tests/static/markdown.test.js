// @ts-check
// The oracle is markdown-it, told that HTML is text; the corpus is the CommonMark specification's own examples, and what
// models like to write beside it.
import assert from "node:assert/strict";
import { test } from "node:test";
import spec from "commonmark-spec";
import MarkdownIt from "markdown-it";
import { Blocks } from "../../static/js/markdown/blocks.js";
import { heal, undecided } from "../../static/js/markdown/heal.js";
import { parseInline } from "../../static/js/markdown/inline.js";
import { Reader } from "../../static/js/markdown/reader.js";
import { toHtml } from "./markdown-html.js";

const oracle = new MarkdownIt({ html: false, linkify: false, xhtmlOut: true });
oracle.validateLink = () => true; // which addresses are followed is the page's to decide

/** Differences of spelling, not of meaning. @param {string} html */
const same = (html) =>
  html
    .replace(/<blockquote>\n<\/blockquote>/g, "<blockquote></blockquote>")
    .replace(/\n(?=<\/li>)/g, "")
    .replace(/<li>\n/g, "<li>")
    .replace(/\n(?=<pre>)/g, "")
    .replaceAll("%5B", "[")
    .replaceAll("%5D", "]")
    .replaceAll("%60", "`");

test("all examples of the CommonMark specification, with HTML as text", () => {
  const wrong = [];
  for (const { number, markdown } of spec.tests) {
    const text = markdown.replaceAll("→", "\t");
    if (same(toHtml(text)) !== same(oracle.render(text))) wrong.push(number);
  }
  assert.equal(spec.tests.length, 652);
  assert.deepEqual(wrong, []);
});

/** @type {[string, string][]} */
const CASES = [
  ["a table", "| a | b |\n| --- | :-: |\n| 1 | **2** |\n| 3 |\n\nafter"],
  ["a table without outer pipes", "a | b\n--|--:\n1 | 2 | 3\n"],
  ["a table after a line of text", "Some words:\n| a | b |\n|---|---|\n| 1 | 2 |"],
  ["a table that a list ends", "| a |\n|---|\n| 1 |\n- x"],
  ["a table in a list", "- x\n\n  | a | b |\n  |---|---|\n  | 1 | 2 |\n- y"],
  ["an escaped pipe", "| a | b |\n|---|---|\n| `x \\| y` | z |"],
  ["no table: the columns differ", "| a | b |\n|---|\n| 1 | 2 |"],
  ["a lone dash line is a heading", "a | b\n---\nc"],
  ["struck out", "~~a **b** c~~ and ~d~ ~~e"],
  ["emphasis beside punctuation", '**"Quoted."** word**bold**word _a_b_ *a*b*'],
  ["emphasis beside wide characters", "これは**重要**です。**「強調」**の文"],
  ["nested lists", "1. a\n   - b\n     1. c\n   - d\n2. e\n\n   f\n3. g"],
  ["a fence in a list", "- a\n  ```py\n  x = 1\n\n    y\n  ```\n- b"],
  ["a fence in a quote", "> ```\n> x\n> ```\n> y"],
  ["an unclosed fence", "```js\nlet x;\n\n"],
  ["tildes", "~~~~ a`b\n```\n~~~\n~~~~\nx"],
  ["html is text", "<b>x</b> <!-- y -->\n\n<script>\nalert(1)\n</script>"],
  ["entities", "&lt; &amp;copy; &#x1F600; &nope; &#0;"],
  ["links and images", '[a](b "c") ![d **e**](<f g>) [h](i(j)k) <https://x.y/?a=b&c> <me@x.org>'],
  ["references", "[a] [b][A] [c][]\n\n[a]: /x 'y'\n[c]: <z>\n"],
];

for (const [name, text] of CASES) {
  test(`agrees with the oracle: ${name}`, () => {
    assert.equal(same(toHtml(text)), same(oracle.render(text)));
  });
}

/** @param {string} text */
const spans = (text) => parseInline(text, new Map()).map(({ type, text: inside, href }) => href ?? `${type}:${inside}`);

test("bare web addresses are links, without the sentence around them", () => {
  assert.deepEqual(spans("See (https://x.y/a_(b)), or **https://z.org/**!"), [
    "text:See (",
    "https://x.y/a_(b)",
    "text:), or ",
    "strong:",
    "text:!",
  ]);
  assert.deepEqual(spans("nohttps://x.y and https:// and http"), ["text:nohttps://x.y and https:// and http"]);
});

test("formulas are kept as they were written, prices are not formulas", () => {
  assert.deepEqual(spans("It is \\(a*b*c\\) or $$x_1$$"), ["text:It is ", "math:a*b*c", "text: or ", "math:x_1"]);
  assert.deepEqual(spans("from $5 to $10"), ["text:from $5 to $10"]);
  assert.deepEqual(spans("\\(never closed"), ["text:(never closed"]);
});

test("a formula on lines of its own is a block, whatever its lines look like", () => {
  const blocks = new Blocks();
  for (const line of ["Look:", "$$", "a", "- b", "= c", "$$", "\\[ x \\]", "after"]) blocks.add(line);
  const { root } = blocks;
  blocks.end();
  assert.deepEqual(
    root.children.map(({ type, text, lines }) => [type, (text || lines.join("\n")).trim()]),
    [
      ["paragraph", "Look:"],
      ["math", "a\n- b\n= c"],
      ["math", "x"],
      ["paragraph", "after"],
    ],
  );
});

test("tasks", () => {
  const blocks = new Blocks();
  for (const line of ["- [x] done", "- [ ] not yet", "- [y] no task"]) blocks.add(line);
  assert.deepEqual(
    blocks.root.children[0]?.children.map(({ checked, children }) => [checked, children[0]?.text]),
    [
      [true, "done"],
      [false, "not yet"],
      [undefined, "[y] no task"],
    ],
  );
});

test("a copy can be tried without a trace", () => {
  const blocks = new Blocks();
  for (const line of ["- a", "  - b", "", "  c", "[x]: /y"]) blocks.add(line);
  const before = structuredClone(blocks.root);
  for (const line of ["", "  - d", "# e", "===", "> f", "```", "[z]: /y", "    g"]) blocks.fork().add(line);
  assert.deepEqual(blocks.root, before);
  assert.equal(blocks.references.size, 0);
});

for (const [text, healed] of /** @type {[string, string][]} */ ([
  ["a **bo", "a **bo**"],
  ["a **bo ", "a **bo**"],
  ["a **bold*", "a **bold**"],
  ["a *it", "a *it*"],
  ["a ***bo", "a ***bo***"],
  ["~~gone", "~~gone~~"],
  ["a **b *c", "a **b *c***"],
  ["use `co", "use `co`"],
  ["use ``a ` b", "use ``a ` b``"],
  ["a **", "a "],
  ["a `", "a "],
  ["see [the te", "see the te"],
  ["see [the text](http://ex", "see the text"],
  ['see [the text](http://ex.org "ti', "see the text"],
  ["a ![pict", "a "],
  ["a ![pict](http://", "a "],
  ["fish &am", "fish "],
  ["**done** and *so*", "**done** and *so*"],
  ["2 * 3 = 6", "2 * 3 = 6"],
  ["snake_case_name", "snake_case_name"],
  ["**over\ntwo", "**over\ntwo"],
])) {
  test(`half a line: ${JSON.stringify(text)} is shown as ${JSON.stringify(healed)}`, () => {
    assert.equal(heal(text), healed);
  });
}

const OPTIONS = { math: true, bare: true, notes: new Set(["a"]), growing: true };
const REFERENCES = new Map([["X", { href: "/x", title: "" }]]);
const WORDS = [
  "plain words that go on ",
  "the hat ",
  "**bold** ",
  "*so* ",
  "`code`, ",
  "[a](b) ",
  "これは重要です。",
  "😀 ",
  "\n",
];
const SIGNS =
  "* ** _ ~~ ` `` [ ] ![ ](b) ](b\u0020'c ][x] [^1] [^a] &amp; &am < <a http://a.b/c http \\( $$ \\ <me@x.org> h".split(
    " ",
  );

test("a long text means the same however it was cut, and its beginning is read once", () => {
  let seed = 2026;
  const random = () => {
    seed = (seed * 16807) % 2147483647;
    return seed / 2147483647;
  };
  /** @param {string[]} list */
  const one = (list) => list[Math.floor(random() * list.length)] ?? "";
  let stretches = 0;
  for (const density of [0, 0.001, 0.003, 0.01, 0.03, 1]) {
    let text = "";
    while (text.length < 30_000) text += one(random() < density ? SIGNS : WORDS);
    /** @type {import("../../static/js/markdown/spans.js").Span[]} */
    const spans = [];
    let at = 0;
    for (let cut = 0; cut < text.length; ) {
      cut = Math.min(text.length, cut + 1 + Math.floor(random() * 400));
      const reader = new Reader(text.slice(0, cut), at, REFERENCES, OPTIONS);
      let read = reader.read();
      for (; reader.over; read = reader.read()) {
        spans.push(...read);
        at = reader.at;
        stretches += 1;
      }
      const healed = heal(text.slice(0, cut), at);
      assert.ok(healed.startsWith(text.slice(0, at)), "what is settled is not healed");
      if (cut === text.length) spans.push(...read);
    }
    assert.deepEqual(spans, parseInline(text, REFERENCES, OPTIONS));
    if (density === 0) assert.ok(text.length - at < 1200, `${text.length - at} characters would be read again`);
  }
  assert.ok(stretches > 40, `${stretches} stretches`);
});

test("what is far away ends nothing", () => {
  const far = "word ".repeat(4000);
  const near = "word ".repeat(1900);
  for (const [open, close] of [
    ["**", "**"],
    ["`", "`"],
    ["[", "](b)"],
    ["~~", "~~"],
    ["\\(", "\\)"],
  ]) {
    const types = (/** @type {string} */ inside) =>
      new Set(parseInline(`${open}${inside.trim()}${close}`, new Map()).map(({ type }) => type));
    assert.ok(!types(near).has("text"), open);
    assert.deepEqual(types(far), new Set(["text"]), open);
  }
});

test("a line that may still become something else waits", () => {
  for (const line of [
    "",
    "-",
    "- ",
    "*",
    "12",
    "12.",
    "##",
    "`",
    "``",
    "```",
    "```py",
    "---",
    "| --",
    "$$",
    "\\[",
    "> -",
  ]) {
    assert.equal(undecided(line, false), true, line);
  }
  for (const line of ["a", "- a", "*a", "12. a", "## a", "`a", "a | b", "$5", "> a", "| a"]) {
    assert.equal(undecided(line, false), false, line);
  }
  assert.equal(undecided("``", true), true);
  assert.equal(undecided("- ", true), false);
});
