// @ts-check
import assert from "node:assert/strict";
import { test } from "node:test";
import { TokenCount } from "../../static/js/composer/tokens.js";

const settled = () => new Promise((resolve) => setImmediate(resolve));

test("a draft is counted once its writer pauses, and what is out of date is not told", async (t) => {
  const idle = () => {};
  const pause = { over: idle };
  t.mock.method(globalThis, "setTimeout", (/** @type {() => void} */ run) => (pause.over = run));
  t.mock.method(globalThis, "clearTimeout", () => (pause.over = idle));
  /** @type {{body: unknown, signal: AbortSignal, answer: (response: Response) => void}[]} */
  const asked = [];
  const count = new TokenCount(
    (_, { body, signal }) =>
      new Promise((answer) => asked.push({ body, signal: /** @type {AbortSignal} */ (signal), answer })),
  );
  /** @type {(number | null)[]} */
  const told = [];
  count.onCount = (tokens) => told.push(tokens);

  for (const words of ["R", "Ri", "Riv"]) count.watch(() => ({ words }));
  assert.equal(asked.length, 0);
  pause.over();
  assert.deepEqual(
    asked.map(({ body }) => body),
    ['{"words":"Riv"}'],
  );
  count.watch(() => ({ words: "Rivers" }));
  assert.ok(asked[0]?.signal.aborted);
  asked[0]?.answer(Response.json({ input_tokens: 2 }));
  await settled();
  assert.deepEqual(told, []);
  pause.over();
  asked[1]?.answer(Response.json({ input_tokens: 3 }));
  await settled();
  assert.deepEqual(told, [3]);
  count.watch(null);
  assert.deepEqual(told, [3, null], "nothing is written any more");
  pause.over();
  assert.equal(asked.length, 2);
});

test("what is too long to be sent twice, and a refusal, count as not known", async (t) => {
  t.mock.method(globalThis, "setTimeout", (/** @type {() => void} */ run) => run());
  let asked = 0;
  const count = new TokenCount(async () => {
    asked += 1;
    return Response.json({ type: "error", error: { type: "api_error", message: "" } }, { status: 500 });
  });
  /** @type {(number | null)[]} */
  const told = [];
  count.onCount = (tokens) => told.push(tokens);
  count.watch(() => ({ words: "x".repeat(2 * 1024 * 1024) }));
  assert.deepEqual([asked, ...told], [0, null]);
  count.watch(() => ({ words: "x" }));
  await settled();
  assert.deepEqual([asked, ...told], [1, null, null]);
});
