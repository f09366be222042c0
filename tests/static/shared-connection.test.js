// @ts-check
// Several tabs and one gateway, made of scripts. A tab can die: its lock goes to the next in line.
import assert from "node:assert/strict";
import { test } from "node:test";
import { Lines } from "../../static/js/lines.js";
import { SharedConnection } from "../../static/js/shared-connection.js";

const encoder = new TextEncoder();
/** @param {number} n @param {object} event */
const frame = (n, event) => `id: 1-${n}\ndata: ${JSON.stringify(event)}\n\n`;
const start = frame(1, { type: "start", id: "g1", model: "m", message_id: null });
/** @param {number} n @param {string} words */
const text = (n, words) => frame(n, { type: "text", index: 0, text: words });
/** @param {number} n */
const done = (n) => `${frame(n, { type: "done", stop_reason: "end_turn" })}id: 1-${n}\ndata: [DONE]\n\n`;
/** Everything that can happen has happened. */
async function settled() {
  for (let n = 0; n < 20; n += 1) await new Promise((resolve) => setImmediate(resolve));
}

/** All tabs of one browser. */
function browser() {
  let over = false; // what all tabs find stored
  /** @type {Set<any>} */
  const channels = new Set();
  /** @type {{name: string, run: () => Promise<unknown>, resolve: (value: any) => void, reject: (error: Error) => void, tab: object}[]} */
  const queue = [];
  /** @type {Map<string, object>} who holds what */
  const held = new Map();
  const next = () => {
    for (const request of [...queue]) {
      if (held.has(request.name)) continue;
      queue.splice(queue.indexOf(request), 1);
      held.set(request.name, request.tab);
      void request.run().then((value) => {
        if (held.get(request.name) === request.tab) held.delete(request.name);
        request.resolve(value);
        next();
      });
    }
  };
  /** @param {(url: string, init: RequestInit) => Promise<Response>} fetch @param {object} [how] @param {object} [other]  surroundings */
  const open = (fetch, how = {}, other = {}) => {
    const tab = { dead: false };
    /** @type {any} */
    const tabs = {
      locks: {
        request: (/** @type {string} */ name, /** @type {any} */ { signal }, /** @type {any} */ run) =>
          new Promise((resolve, reject) => {
            const request = { name, run, resolve, reject, tab };
            queue.push(request);
            signal.addEventListener("abort", () => {
              if (!queue.includes(request)) return;
              queue.splice(queue.indexOf(request), 1);
              reject(new Error("given up"));
            });
            queueMicrotask(next);
          }),
      },
      channel: (/** @type {string} */ name) => {
        /** @type {any} */
        const channel = {
          name,
          onmessage: null,
          postMessage: (/** @type {any} */ message) => {
            if (tab.dead) return;
            const data = structuredClone(message);
            for (const other of channels) {
              if (other !== channel && other.name === name) setImmediate(() => other.onmessage?.({ data }));
            }
          },
          close: () => channels.delete(channel),
        };
        channels.add(channel);
        return channel;
      },
    };
    /** @type {import("../../static/js/connection.js").Surroundings} */
    const around = {
      fetch: (url, init) => (tab.dead ? new Promise(() => {}) : fetch(url, init)),
      now: () => 0,
      random: Math.random,
      online: () => true,
      asking: () => false,
      lines: new Lines(null, false),
      reach: async () => true,
      listen: () => Promise.reject(new Error("nobody listens here")),
      sleep: () => new Promise(() => {}),
      ...other,
    };
    const connection = new SharedConnection({ name: "r1", request: { prompt: "x" }, key: "k", ...how }, around, tabs);
    const it = {
      connection,
      said: "",
      states: /** @type {string[]} */ ([]),
      live: /** @type {boolean[]} */ ([]),
      settled: /** @type {any[]} */ ([]),
      /** The tab crashes. */
      kill() {
        tab.dead = true;
        connection.onEvent = () => {};
        for (const [name, holder] of held) if (holder === tab) held.delete(name);
        next();
      },
    };
    connection.onEvent = (event, live) => {
      if (event.type === "text") it.said += event.text;
      it.live.push(live);
    };
    connection.onState = (state) => it.states.push(state);
    connection.onSettled = async (outcome) => {
      it.settled.push(outcome);
      over = true;
    };
    connection.onLead = async () => {
      for (let n = 0; n < 3; n += 1) await new Promise((resolve) => setImmediate(resolve)); // a database takes its time
      return !over;
    };
    return it;
  };
  return { open };
}

/** A gateway whose streams a test writes; it remembers who asked for what. */
function gateway() {
  /** @type {{url: string, method: string, after: string | null, send: (piece: string) => void, end: () => void}[]} */
  const asked = [];
  /** @param {string} url @param {RequestInit} init */
  const fetch = async (url, init) => {
    const { method = "GET" } = init;
    if (method === "DELETE") {
      asked.push({ url, method, after: null, send: () => {}, end: () => {} });
      return new Response("{}");
    }
    /** @type {any} */
    let out;
    const body = new ReadableStream({ start: (controller) => (out = controller) });
    asked.push({
      url,
      method,
      after: new Headers(init.headers).get("Last-Event-ID"),
      send: (piece) => out.enqueue(encoder.encode(piece)),
      end: () => out.close(),
    });
    return new Response(body, { headers: { "X-Chat-Id": "g1" } });
  };
  return { asked, fetch };
}

test("one tab reads, and the others show what it reads, from wherever they are", async () => {
  const { asked, fetch } = gateway();
  const { open } = browser();
  const reader = open(fetch);
  const ended = reader.connection.run();
  await settled();
  asked[0]?.send(start + text(2, "One "));
  await settled();
  const listener = open(fetch, { restored: true });
  const heard = listener.connection.run();
  const late = open(fetch, { restored: true, id: "g1", cursor: "1-2" });
  const lateHeard = late.connection.run();
  await settled();
  asked[0]?.send(text(3, "two ") + text(4, "three"));
  await settled();
  assert.equal(reader.said, "One two three");
  assert.equal(listener.said, "One two three");
  assert.equal(late.said, "two three", "it had the beginning stored");
  assert.deepEqual(listener.live.slice(0, 2), [false, false], "catching up is not news");
  assert.ok(listener.live.at(-1));
  assert.equal(listener.states.at(-1), "streaming");
  asked[0]?.send(done(5));
  assert.deepEqual(await Promise.all([ended, heard, lateHeard]), [
    { kind: "ended" },
    { kind: "ended" },
    { kind: "ended" },
  ]);
  assert.equal(asked.length, 1);
  assert.deepEqual([reader.settled.length, listener.settled.length], [1, 0], "who reads, stores");
});

test("when the tab that reads goes, the next goes on after the last thing it heard", async () => {
  const { asked, fetch } = gateway();
  const { open } = browser();
  const first = open(fetch);
  void first.connection.run();
  await settled();
  asked[0]?.send(start + text(2, "One "));
  const second = open(fetch, { restored: true });
  const ended = second.connection.run();
  await settled();
  asked[0]?.send(text(3, "two "));
  await settled();
  assert.ok(!second.connection.leading);
  first.kill();
  await settled();
  assert.ok(second.connection.leading);
  assert.deepEqual([asked[1]?.url, asked[1]?.after], ["api/chat/g1/stream", "1-3"]);
  asked[1]?.send(text(4, "three") + done(5));
  assert.deepEqual(await ended, { kind: "ended" });
  assert.equal(second.said, "One two three");
  assert.equal(second.settled.length, 1);
});

test("a third tab listens to whoever reads now", async () => {
  const { asked, fetch } = gateway();
  const { open } = browser();
  const first = open(fetch);
  void first.connection.run();
  await settled();
  asked[0]?.send(start + text(2, "One "));
  const second = open(fetch, { restored: true });
  const third = open(fetch, { restored: true });
  void second.connection.run();
  const ended = third.connection.run();
  await settled();
  first.kill();
  await settled();
  asked[1]?.send(text(3, "two ") + text(4, "three"));
  await settled();
  asked[1]?.send(done(5));
  assert.deepEqual(await ended, { kind: "ended" });
  assert.equal(third.said, "One two three");
});

test("tabs that are restored together find out who reads", async () => {
  const { asked, fetch } = gateway();
  const { open } = browser();
  const how = { restored: true, id: "g1", cursor: "1-2" };
  const [first, second] = [open(fetch, how), open(fetch, how)];
  const ended = [first.connection.run(), second.connection.run()];
  await settled();
  asked[0]?.send(text(3, "two"));
  await settled();
  assert.deepEqual([first.said, second.said], ["two", "two"]);
  asked[0]?.send(done(4));
  assert.deepEqual(await Promise.all(ended), [{ kind: "ended" }, { kind: "ended" }]);
});

test("before the id is known, the next tab makes the same request with the same key", async () => {
  const { asked, fetch } = gateway();
  const { open } = browser();
  const first = open(() => new Promise(() => {}));
  void first.connection.run();
  await settled();
  const second = open(fetch, { restored: true });
  const ended = second.connection.run();
  await settled();
  first.kill();
  await settled();
  assert.equal(asked[0]?.method, "POST");
  asked[0]?.send(start + done(2));
  assert.deepEqual(await ended, { kind: "ended" });
});

test("what has ended while a tab waited is not read again", async () => {
  const { asked, fetch } = gateway();
  const { open } = browser();
  const late = open(fetch, { restored: true, id: "g1", cursor: "1-2" });
  late.connection.onLead = async () => false;
  assert.deepEqual(await late.connection.run(), { kind: "elsewhere" });
  assert.equal(asked.length, 0);
});

test("any tab can stop it", async () => {
  const { asked, fetch } = gateway();
  const { open } = browser();
  const reader = open(fetch);
  void reader.connection.run();
  await settled();
  asked[0]?.send(start);
  const listener = open(fetch, { restored: true });
  const heard = listener.connection.run();
  await settled();
  await listener.connection.stop();
  assert.deepEqual([asked[1]?.method, asked[1]?.url], ["DELETE", "api/chat/g1"]);
  asked[0]?.send(done(2));
  assert.deepEqual(await heard, { kind: "ended" });
});

test("what is stopped while the gateway is away stays stopped, in whichever tab", { timeout: 5000 }, async () => {
  for (const dies of [false, true]) {
    const { asked, fetch } = gateway();
    const { open } = browser();
    const away = () => Promise.reject(new TypeError("Failed to fetch"));
    let net = fetch;
    const waits = {
      sleep: (/** @type {number} */ ms, /** @type {AbortSignal} */ signal) =>
        new Promise((resolve) => {
          signal.addEventListener("abort", resolve);
          if (ms === 5000) resolve(null); // that a stop may take
        }),
    };
    const reader = open((url, init) => net(url, init), {}, waits);
    const listener = open((url, init) => net(url, init), { restored: true }, waits);
    const read = reader.connection.run();
    await settled();
    asked[0]?.send(start);
    const heard = listener.connection.run();
    await settled();
    net = away;
    asked[0]?.end();
    await settled();
    assert.equal(listener.states.at(-1), "reconnecting");
    if (dies) reader.kill();
    await listener.connection.stop();
    assert.deepEqual(await heard, { kind: "stopped" });
    if (!dies) assert.deepEqual(await read, { kind: "stopped" });
  }
});

test("without locks every tab reads for itself", async () => {
  const { asked, fetch } = gateway();
  const { open } = browser();
  const alone = open(fetch, { id: "g1", cursor: null, restored: true });
  /** @type {any} */
  const around = {
    fetch,
    now: () => 0,
    random: Math.random,
    online: () => true,
    asking: () => false,
    lines: new Lines(null, false),
    sleep: () => new Promise(() => {}),
  };
  const silent = () => ({ postMessage: () => {}, onmessage: null, close: () => {} });
  const connection = new SharedConnection({ name: "r1", request: {}, key: "k", id: "g1" }, around, {
    locks: null,
    channel: silent,
  });
  const both = [alone.connection.run(), connection.run()];
  await settled();
  assert.equal(asked.length, 2);
  for (const stream of asked) stream.send(start + done(2));
  assert.deepEqual(await Promise.all(both), [{ kind: "ended" }, { kind: "ended" }]);
});
