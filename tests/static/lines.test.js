// @ts-check
// The locks of a browser, made of a script.
import assert from "node:assert/strict";
import { test } from "node:test";
import { Lines } from "../../static/js/lines.js";

/** @returns {import("../../static/js/lines.js").Locks} */
function browser() {
  /** @type {Set<string>} */
  const held = new Set();
  /** @type {{name: string, go: () => void}[]} */
  const queue = [];
  /** @type {any} */
  const locks = {
    request: async (/** @type {string} */ name, /** @type {any} */ options, /** @type {any} */ run) => {
      if (held.has(name)) {
        if (options.ifAvailable) return run(null);
        await new Promise((resolve, reject) => {
          const waiting = { name, go: () => resolve(null) };
          queue.push(waiting);
          options.signal?.addEventListener("abort", () => {
            if (!queue.includes(waiting)) return;
            queue.splice(queue.indexOf(waiting), 1);
            reject(new Error("given up"));
          });
        });
      }
      held.add(name);
      try {
        return await run({ name });
      } finally {
        held.delete(name);
        const next = queue.findIndex((waiting) => waiting.name === name);
        if (next !== -1) queue.splice(next, 1)[0]?.go();
      }
    },
  };
  return locks;
}

const never = new AbortController().signal;
const settled = () => new Promise((resolve) => setImmediate(resolve));

test("all tabs together have four lines, and who waits gets the next one that is given back", async () => {
  const locks = browser();
  const [here, there] = [new Lines(locks, true), new Lines(locks, true)];
  const taken = [await here.take(), await there.take(), await here.take(), await there.take()];
  assert.ok(taken.every((release) => release !== null));
  assert.equal(await here.take(), null);
  const [first, second] = [here.wait(never), there.wait(never)];
  for (const release of taken) release?.(); // all at once: each takes one, and no more
  assert.ok((await first) && (await second));
  await settled();
  assert.ok((await here.take()) && (await there.take()));
  assert.equal(await here.take(), null);
});

test("who gives up waiting has taken nothing", async () => {
  const lines = new Lines(browser(), true);
  const taken = [await lines.take(), await lines.take(), await lines.take(), await lines.take()];
  const enough = new AbortController();
  const waited = lines.wait(enough.signal);
  enough.abort();
  assert.equal(await waited, null);
  taken[2]?.();
  await settled();
  assert.ok(await lines.take());
});

test("one question without a line begins at a time", async () => {
  const lines = new Lines(browser(), true);
  const begun = await lines.begin(never);
  let second = false;
  void lines.begin(never).then(() => (second = true));
  await settled();
  assert.equal(second, false);
  begun();
  await settled();
  assert.equal(second, true);
});

test("where nothing is bounded there is always a line, and where tabs cannot count only WebSockets are safe", async () => {
  const unbounded = new Lines(browser(), false);
  for (let n = 0; n < 9; n += 1) assert.ok(await unbounded.take());
  const alone = new Lines(null, true);
  assert.equal(await alone.take(), null);
  alone.sockets = false;
  assert.ok(await alone.take());
});
