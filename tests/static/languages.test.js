// @ts-check
import assert from "node:assert/strict";
import { test } from "node:test";
import { texts as ar } from "../../static/js/languages/ar.js";
import { texts as en } from "../../static/js/languages/en.js";
import { texts as ja } from "../../static/js/languages/ja.js";
import { choose, LANGUAGES } from "../../static/js/text.js";

const others = { ar, ja };

/**
 * Every text by its path.
 *
 * @param {any} texts
 * @param {string} path
 * @returns {[string, any][]}
 */
function leaves(texts, path = "") {
  if (texts === null || typeof texts !== "object") return [[path, texts]];
  return Object.entries(texts).flatMap(([key, value]) => leaves(value, `${path}.${key}`));
}

test("every language that can be chosen has its module", () => {
  assert.deepEqual(Object.keys(LANGUAGES), ["en", ...Object.keys(others)]);
});

for (const [code, texts] of Object.entries(others)) {
  test(`${code} says everything that English says`, () => {
    assert.deepEqual(
      leaves(texts).map(([path]) => path),
      leaves(en).map(([path]) => path),
    );
  });

  test(`${code} is translated`, () => {
    const english = new Map(leaves(en));
    const same = leaves(texts).filter(([path, value]) => typeof value === "string" && value === english.get(path));
    assert.deepEqual(
      same.map(([path]) => path),
      [],
    );
  });
}

/** A sample of what a parameter may be: two values of the type that the text takes, told by its name. */
const SAMPLES = { model: ["x-1", "y-2"], reason: ["a_b", "c_d"], id: ["req_1", "req_2"], when: [4, 1e12] };

for (const [code, texts] of Object.entries({ en, ...others })) {
  test(`${code} uses every parameter of its texts`, () => {
    const english = new Map(leaves(en));
    for (const [path, say] of leaves(texts)) {
      if (typeof say !== "function") continue;
      const names = (/^\(?([^)=]*)\)?\s*=>/.exec(String(english.get(path)))?.[1] ?? "")
        .split(",")
        .map((name) => name.trim());
      assert.equal(say.length, names.length, path);
      const values = names.map((name) => SAMPLES[/** @type {"id"} */ (name)] ?? [4, 123]);
      const first = values.map(([one]) => one);
      names.forEach((name, n) => {
        const changed = first.with(n, values[n]?.[1]);
        assert.notEqual(say(...first), say(...changed), `${path} ignores ${name}`);
      });
      assert.doesNotMatch(say(...first), /undefined|NaN|\[object/, path);
    }
  });
}

test("the reader's own order of languages decides, whatever the region", () => {
  assert.equal(choose(["pl", "ja-JP", "en"]), "ja");
  assert.equal(choose(["AR-eg"]), "ar");
  assert.equal(choose(["tlh"]), "en");
  assert.equal(choose([]), "en");
});

test("a time is told in the unit that fits it", () => {
  assert.equal(en.thought(40), "Thought for 40 ms");
  assert.equal(en.thought(3200), "Thought for 3.2 s");
  assert.equal(en.meta.ttft(949), "949 ms to first token");
  assert.equal(en.attach.size(800), "800 bytes");
  assert.equal(en.attach.size(1500), "1.5 kB");
});

test("plurals are the language's own", () => {
  assert.equal(en.status.complete(1), "Answer complete, 1 word");
  assert.equal(en.status.complete(1234), "Answer complete, 1,234 words");
  const arabic = [0, 1, 2, 3, 11, 100].map(ar.status.complete);
  assert.equal(new Set(arabic.map((words) => words.replace(/[\p{N}]/gu, ""))).size, 5);
  assert.match(String(arabic[3]), /[3٣] كلمات$/);
});
