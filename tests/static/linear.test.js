// @ts-check
// No text takes more than linear time: twice as much of it, twice the work. Work is counted, not timed (work.js); what
// regular expressions do inside is not in the count, so each test also has to end.
import assert from "node:assert/strict";
import { test } from "node:test";
import { Blocks } from "../../static/js/markdown/blocks.js";
import { heal, undecided } from "../../static/js/markdown/heal.js";
import { parseInline } from "../../static/js/markdown/inline.js";
import { Reader } from "../../static/js/markdown/reader.js";
import { workOf } from "./work.js";

const MODULES = "/static/js/markdown/";
/** Twice as long may be this much more work. */
const TWICE = 2.05;
/** … of a text inside a block, which is also asked where it may be divided, once it is long */
const TWICE_INSIDE = 2.2;
/** … of one that grows, of which up to 10,000 characters are read again, where something begins in them that does not end */
const TWICE_GROWING = 2.5;
const timeout = 20_000;

/** @param {(n: number) => () => void} prepare @param {number} most  times the work for twice the length @param {number} [n] */
function assertLinear(prepare, most, n = 500) {
  prepare(10)(); // what is done once is done
  const [once, twice] = [prepare(n), prepare(2 * n)].map((run) => workOf(MODULES, run));
  assert.ok(once !== undefined && twice !== undefined && once > 0);
  assert.ok(twice <= once * most, `${once} steps became ${twice}`);
}

/** @type {Record<string, (n: number) => string>} */
const INLINE = {
  "opening brackets": (n) => "[".repeat(n),
  "brackets with half an address": (n) => "[a](".repeat(n),
  "brackets with half a title": (n) => `[a](b "${"c".repeat(10)}`.repeat(n),
  "brackets around a link": (n) => `${"[".repeat(n)}${"[a](b)]".repeat(n)}`,
  "nested images": (n) => `${"![".repeat(n)}a${"](b)".repeat(n)}`,
  "brackets inside out": (n) => "![[".repeat(n) + "]".repeat(n),
  "openers that nothing closes": (n) => "*a _b ~~c ".repeat(n),
  "closers that nothing opened": (n) => "a* b_ c~~ ".repeat(n),
  "closers of another kind": (n) => `${"*a ".repeat(n)}${"b_ ".repeat(n)}`,
  "emphasis in emphasis": (n) => `${"*a ".repeat(n)}b${" a*".repeat(n)}`,
  "strong in emphasis": (n) => `${"*a **a ".repeat(n)}b${" a** a*".repeat(n)}`,
  "runs of every length": (n) => Array.from({ length: Math.sqrt(n) }, (_, k) => `a${"*".repeat(k)}b_`).join(""),
  "multiples of three": (n) => "a***b**c*d".repeat(n),
  "backticks of every length": (n) =>
    Array.from({ length: Math.sqrt(n) * 4 }, (_, k) => `${"`".repeat(k + 1)}x`).join(""),
  "code that nothing closes": (n) => "`` a ` b ``` ".repeat(n),
  formulas: (n) => "\\( a \\[ b $$ c ".repeat(n),
  "half addresses": (n) => "<a:<b@".repeat(n),
  entities: (n) => "&#&amp&lt;".repeat(n),
  "bare addresses": (n) => "xhttp://a.http://b,".repeat(n),
  "a bare address among brackets": (n) => `http://a${"(".repeat(n)}${")".repeat(2 * n)}`,
  "a bare address and full stops": (n) => `http://a${".".repeat(n)} b`,
  "bare addresses that are none": (n) => "http:///".repeat(n),
  footnotes: (n) => "[^1] [^a] [^".repeat(n),
  "line ends": (n) => "a  \nb\\\n  c".repeat(n),
};
for (const [name, text] of Object.entries(INLINE)) {
  test(`linear: ${name}`, { timeout }, () => {
    assertLinear((n) => {
      const written = text(n);
      return () =>
        parseInline(written, new Map([["A", { href: "x", title: "" }]]), { math: true, bare: true, notes: new Set() });
    }, TWICE_INSIDE);
  });
}

for (const name of [
  "opening brackets",
  "openers that nothing closes",
  "emphasis in emphasis",
  "formulas",
  "footnotes",
]) {
  test(`linear, also where it is too long for what it begins: ${name}`, { timeout }, () => {
    assertLinear(
      (n) => {
        const written = /** @type {(n: number) => string} */ (INLINE[name])(n);
        return () => parseInline(written, new Map());
      },
      TWICE_INSIDE,
      4000,
    );
  });
}

const GROWING = {
  words: "words that go on ",
  "words without spaces": "これは重要です",
  emphasis: "some **bold** and *slanted* words, ",
  signs: "**a**`b`[c](d)",
  "opening brackets": "[",
  "openers that nothing closes": "*a _b ~~c ",
  "half addresses": "<a:<b@",
  ampersands: "&",
};
for (const [name, piece] of Object.entries(GROWING)) {
  test(`linear while it is written: ${name}`, { timeout }, () => {
    assertLinear(
      (n) => {
        const written = piece.repeat(n / piece.length);
        return () => {
          let at = 0;
          for (let cut = 0; cut < written.length; cut += 2500) {
            const reader = new Reader(written.slice(0, cut), at, new Map(), { math: true, bare: true });
            for (reader.read(); reader.over; reader.read()) at = reader.at;
          }
        };
      },
      TWICE_GROWING,
      30_000,
    );
  });
}

/** @type {Record<string, (n: number) => string[]>} */
const BLOCKS = {
  paragraph: (n) => Array(n).fill("words and more words"),
  "a paragraph that looks like a table": (n) => Array(n).fill("|-"),
  "a paragraph that looks like definitions": (n) => Array(n).fill("[a]: "),
  "a list": (n) => Array(n).fill("- a"),
  "a loose list": (n) => Array(n).fill(["- a", ""]).flat(),
  "a numbered list": (n) => Array.from({ length: n }, (_, k) => `${k + 1}. a`),
  "a table": (n) => ["| a | b |", "|---|---|", ...Array(n).fill("| 1 | 2 |")],
  code: (n) => ["```", ...Array(n).fill("let x;")],
  "indented code with blank lines": (n) => Array(n).fill(["    a", ""]).flat(),
  quotes: (n) => Array(n).fill("> a"),
  "quotes that are lazy": (n) => Array(n).fill(["> a", "b", ""]).flat(),
  headings: (n) => Array(n).fill(["# a", "b", "==="]).flat(),
  fences: (n) => Array(n).fill(["```", "```"]).flat(),
  footnotes: (n) => Array.from({ length: n }, (_, k) => `[^${k}]: a`),
};
for (const [name, lines] of Object.entries(BLOCKS)) {
  test(`linear: ${name}`, { timeout }, () => {
    assertLinear((n) => {
      const written = lines(n);
      return () => {
        const blocks = new Blocks();
        for (const line of written) blocks.add(line);
        blocks.end();
      };
    }, TWICE);
  });
}

test("nesting has an end", () => {
  const blocks = new Blocks();
  blocks.add(`${">".repeat(5000)} a`);
  blocks.add(`${"- ".repeat(5000)}a`);
  /** @param {{children: any[]}} block @returns {number} */
  const depth = ({ children }) => 1 + Math.max(0, ...children.map(depth));
  assert.ok(depth(blocks.root) < 250);
  const [emphasis] = [parseInline(`${"*a ".repeat(5000)}b${" a*".repeat(5000)}`, new Map())];
  assert.ok(Math.max(...emphasis.map(depth)) <= 102);
});

test("long lines of signs come to an end", { timeout }, () => {
  const n = 10_000;
  for (const char of [
    " ",
    "\t",
    "*",
    "_",
    "~",
    "`",
    "#",
    "-",
    "=",
    "|",
    ">",
    "[",
    "]",
    "(",
    "!",
    "&",
    "<",
    "$",
    "\\",
    ":",
    "1",
  ]) {
    for (const line of [
      char.repeat(n),
      `${char.repeat(n)}x`,
      `x${char.repeat(n)}y`,
      `# ${char.repeat(n)}x`,
      `| ${char.repeat(n)}x`,
    ]) {
      const blocks = new Blocks();
      blocks.add(line);
      blocks.add("--- | ---");
      blocks.end();
      undecided(line, false);
      undecided(line, true);
      heal(line.slice(0, 20_000));
      parseInline(line, blocks.references);
    }
  }
});
