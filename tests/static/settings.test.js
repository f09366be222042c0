// @ts-check
import assert from "node:assert/strict";
import { test } from "node:test";
import { encodedSize, fit, kindOf } from "../../static/js/composer/attachments.js";
import { cannotTake, cannotThink, cannotTry } from "../../static/js/settings/models.js";
import { DEFAULTS, frame, parameters, parseOptions } from "../../static/js/settings/options.js";

const yes = { supported: true };
const no = { supported: false };

/** @param {string} id @param {object} [types] @param {object} [more] */
const model = (id, types = {}, more = {}) => ({
  id,
  max_tokens: 64_000,
  capabilities: {
    effort: { supported: true, low: yes, medium: yes, high: yes, xhigh: yes, max: no },
    thinking: { supported: true, types: { adaptive: yes, enabled: no, disabled: yes, ...types } },
    ...more,
  },
});
const config = {
  demo: false,
  auth: /** @type {const} */ ("none"),
  signed_in: false,
  user: null,
  default_max_tokens: 8192,
  max_tokens: 32_000,
  tools: [
    { name: "clock", description: "" },
    { name: "dice", description: "" },
  ],
  attachments: /** @type {any} */ ({}),
};

test("without wishes a model that decides by itself shows what it thinks, and nothing else is asked", () => {
  assert.deepEqual(parameters(DEFAULTS, model("a"), config), {
    model: "a",
    thinking: { type: "adaptive", display: "summarized" },
  });
});

test("every wish goes into the request in Claude's own words", () => {
  const options = {
    ...DEFAULTS,
    effort: /** @type {const} */ ("low"),
    thinking: /** @type {const} */ ("off"),
    maxTokens: 500,
  };
  assert.deepEqual(parameters(options, model("a"), config), {
    model: "a",
    max_tokens: 500,
    output_config: { effort: "low" },
    thinking: { type: "disabled" },
  });
  const hidden = parameters({ ...DEFAULTS, thinking: "hidden" }, model("a"), config);
  assert.deepEqual(hidden.thinking, { type: "adaptive", display: "omitted" });
});

test("wishes that the model cannot meet are left out", () => {
  const options = { ...DEFAULTS, effort: /** @type {const} */ ("max"), thinking: /** @type {const} */ ("off") };
  assert.deepEqual(parameters(options, model("a", { disabled: no }), config), { model: "a" });
});

test("a model that wants to be told how much to think is told, if there is room, and only when the reader asks", () => {
  const old = model("old", { adaptive: no, enabled: yes });
  assert.deepEqual(parameters(DEFAULTS, old, config).thinking, { type: "disabled" });
  const shown = { ...DEFAULTS, thinking: /** @type {const} */ ("shown") };
  assert.deepEqual(parameters(shown, old, config).thinking, {
    type: "enabled",
    budget_tokens: 4096,
    display: "summarized",
  });
  assert.equal(parameters({ ...shown, maxTokens: 1500 }, old, config).thinking, undefined);
});

test("the longest answer is bounded by the gateway and by the model", () => {
  assert.equal(parameters({ ...DEFAULTS, maxTokens: 99_999 }, model("a"), config).max_tokens, 32_000);
  assert.equal(
    parameters({ ...DEFAULTS, maxTokens: 99_999 }, { ...model("a"), max_tokens: 10 }, config).max_tokens,
    10,
  );
});

test("nothing is asked of a model of which nothing is known", () => {
  assert.deepEqual(parameters(DEFAULTS, { id: "a", capabilities: null }, config), { model: "a" });
  assert.deepEqual(parameters(DEFAULTS, null, null), {});
});

test("a conversation begins with the system prompt and the tools that are on", () => {
  assert.deepEqual(frame({ ...DEFAULTS, system: "Be brief.", toolsOff: ["dice", "gone"] }, config), {
    system: "Be brief.",
    tools: [{ name: "clock" }],
  });
  assert.deepEqual(frame({ ...DEFAULTS, system: " \n" }, { ...config, tools: [] }), {});
  assert.deepEqual(frame(DEFAULTS, null), {});
});

test("what a model cannot do has a reason; where nothing is said, nothing is forbidden", () => {
  const blind = model("blind", {}, { image_input: no, pdf_input: no });
  assert.equal(cannotTake(blind, { images: true, pdfs: true }), "images");
  assert.equal(cannotTake(blind, { images: false, pdfs: true }), "pdfs");
  assert.equal(cannotTake(blind, { images: false, pdfs: false }), null);
  assert.equal(cannotTake({ id: "a", capabilities: null }, { images: true, pdfs: true }), null);
  assert.equal(cannotTry(model("a"), "max"), "thisEffort");
  assert.equal(cannotTry(model("a"), "low"), null);
  assert.equal(cannotTry(model("a", {}, { effort: { supported: false } }), "low"), "effort");
  assert.equal(cannotThink(model("a", { disabled: no }), "off", null), "notThinking");
  assert.equal(cannotThink(model("a", { adaptive: no }), "shown", null), "thinking");
  assert.equal(cannotThink(model("claude-haiku-5-5"), "off", "xhigh"), "notThinkingHard");
  assert.equal(cannotThink(model("claude-haiku-5-5"), "off", "high"), null);
});

test("stored settings are taken as far as they make sense", () => {
  const options = { ...DEFAULTS, model: "a", maxTokens: 5, toolsOff: ["dice"] };
  assert.deepEqual(parseOptions(JSON.stringify(options)), options);
  for (const stored of [null, "", "{", "7", '{"effort":"huge","maxTokens":-1,"toolsOff":"x","system":3}']) {
    assert.deepEqual(parseOptions(stored), DEFAULTS);
  }
});

test("files are told apart by what they are", () => {
  assert.equal(kindOf({ type: "application/pdf", name: "a" }), "pdf");
  assert.equal(kindOf({ type: "", name: "A.PDF" }), "pdf");
  assert.equal(kindOf({ type: "image/heic", name: "a" }), "image");
  assert.equal(kindOf({ type: "image/svg+xml", name: "a.svg" }), "text");
  assert.equal(kindOf({ type: "", name: "Makefile" }), "text");
});

test("an image keeps its shape when it is made smaller, and is never made larger", () => {
  assert.deepEqual(fit(4000, 1000, 2000), { width: 2000, height: 500 });
  assert.deepEqual(fit(30, 20, 2000), { width: 30, height: 20 });
  assert.deepEqual(fit(90_000, 3, 2000), { width: 2000, height: 1 });
});

test("base64 takes four characters for three bytes", () => {
  for (const n of [0, 1, 2, 3, 100]) assert.equal(encodedSize(n), btoa("x".repeat(n)).length);
});
