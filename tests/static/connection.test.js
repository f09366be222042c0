// @ts-check
// A gateway made of scripts: each request gets the next answer, and time passes only when somebody sleeps.
import assert from "node:assert/strict";
import { test } from "node:test";
import { Connection } from "../../static/js/connection.js";
import { Lines } from "../../static/js/lines.js";

/** @typedef {{url: string, method: string, headers: Headers, body: string | null}} Asked */
/** @typedef {(asked: Asked, signal: AbortSignal | null) => Response | Promise<Response>} Answer */

const encoder = new TextEncoder();
/** @param {number} n @param {object} event */
const frame = (n, event) => `id: 1-${n}\ndata: ${JSON.stringify(event)}\n\n`;
const start = frame(1, { type: "start", id: "g1", model: "m", message_id: null });
/** @param {number} n @param {string} words */
const text = (n, words) => frame(n, { type: "text", index: 0, text: words });
const done = `${frame(9, { type: "done", stop_reason: "end_turn" })}id: 1-9\ndata: [DONE]\n\n`;

/** A stream of these pieces; then it ends, politely or by an error. @param {string[]} pieces @param {boolean} [breaks] */
function stream(pieces, breaks = false) {
  const left = [...pieces];
  const body = new ReadableStream({
    pull(controller) {
      const piece = left.shift();
      if (piece !== undefined) controller.enqueue(encoder.encode(piece));
      else if (breaks) controller.error(new TypeError("network error"));
      else controller.close();
    },
  });
  return new Response(body, { headers: { "Content-Type": "text/event-stream", "X-Chat-Id": "g1" } });
}

/** A stream that stays silent until it is given up. @param {string} piece @param {AbortSignal | null} signal */
function silent(piece, signal) {
  const body = new ReadableStream({
    start(controller) {
      controller.enqueue(encoder.encode(piece));
      signal?.addEventListener("abort", () => controller.error(signal.reason));
    },
  });
  return new Response(body, { headers: { "X-Chat-Id": "g1" } });
}

/** @param {number} status @param {object} [body] @param {Record<string, string>} [headers] */
const status = (status, body, headers = {}) => new Response(body ? JSON.stringify(body) : null, { status, headers });
const unreachable = () => Promise.reject(new TypeError("Failed to fetch"));

/**
 * @param {Answer[]} answers
 * @param {Partial<import("../../static/js/connection.js").Start>} [how]
 * @param {Partial<import("../../static/js/connection.js").Surroundings>} [other]
 */
function set(answers, how = {}, other = {}) {
  /** @type {Asked[]} */
  const asked = [];
  /** @type {number[]} */
  const slept = [];
  /** @type {{ms: number, end: () => void}[]} */
  const sleepers = [];
  let now = 0;
  const reader = { asked: false };
  /** @type {import("../../static/js/connection.js").Surroundings} */
  const around = {
    now: () => now,
    random: () => 0.5,
    online: () => true,
    asking: () => reader.asked,
    lines: new Lines(null, false),
    reach: async () => true,
    listen: () => Promise.reject(new Error("nobody listens here")),
    fetch: async (url, init) => {
      const request = {
        url,
        method: init.method ?? "GET",
        headers: new Headers(init.headers),
        body: /** @type {string} */ (init.body ?? null),
      };
      asked.push(request);
      const answer = answers.shift();
      assert.ok(answer, `nobody expected ${request.method} ${url}`);
      return answer(request, init.signal ?? null);
    },
    sleep: (ms, signal) =>
      new Promise((resolve) => {
        if (signal.aborted) return resolve();
        slept.push(ms);
        const sleeper = { ms: now + ms, end: resolve };
        sleepers.push(sleeper);
        signal.addEventListener("abort", () => {
          sleepers.splice(sleepers.indexOf(sleeper), 1);
          resolve();
        });
      }),
    ...other,
  };
  const connection = new Connection({ request: { prompt: "x" }, key: "k", ...how }, around);
  let received = "";
  /** @type {boolean[]} */
  const live = [];
  connection.onEvent = (event, isLive) => {
    if (event.type === "text") received += event.text;
    live.push(isLive);
  };
  /** Let everything happen; whenever nothing does, time jumps to whoever wakes first. */
  const run = async () => {
    /** @type {any} */
    let outcome = null;
    void connection.run().then((value) => (outcome = value));
    while (outcome === null) {
      await new Promise((resolve) => setImmediate(resolve));
      if (outcome !== null) break;
      const first = sleepers.sort((a, b) => a.ms - b.ms)[0];
      if (!first) continue;
      sleepers.shift();
      now = Math.max(now, first.ms);
      first.end();
    }
    return outcome;
  };
  return { connection, run, reader, asked, slept, live, text: () => received };
}

test("an answer that arrives whole needs one request", async () => {
  const it = set([() => stream([start, text(2, "Hel"), text(3, "lo"), done])]);
  assert.deepEqual(await it.run(), { kind: "ended" });
  assert.equal(it.text(), "Hello");
  assert.deepEqual([it.asked[0]?.url, it.asked[0]?.method], ["api/chat", "POST"]);
  assert.equal(it.asked[0]?.headers.get("Idempotency-Key"), "k");
  assert.ok(it.live.every(Boolean));
});

for (const breaks of [false, true]) {
  test(`a stream that ends ${breaks ? "with an error" : "politely"} before [DONE] is resumed after the last id`, async () => {
    const it = set([
      () => stream([start, text(2, "Hel")], breaks),
      () => stream([text(2, "Hel"), text(3, "lo"), done]),
    ]);
    assert.deepEqual(await it.run(), { kind: "ended" });
    assert.equal(it.text(), "Hello", "what is sent again is not applied again");
    assert.equal(it.asked[1]?.url, "api/chat/g1/stream");
    assert.equal(it.asked[1]?.headers.get("Last-Event-ID"), "1-2");
    assert.deepEqual(it.live.slice(2), [false, false], "catching up is not news");
  });
}

test("before an id is known the same POST is made again with the same key", async () => {
  const it = set([unreachable, () => stream([start, done])]);
  assert.deepEqual(await it.run(), { kind: "ended" });
  assert.deepEqual(
    it.asked.map(({ method }) => method),
    ["POST", "POST"],
  );
  assert.deepEqual(
    it.asked.map(({ headers }) => headers.get("Idempotency-Key")),
    ["k", "k"],
  );
  assert.equal(it.asked[0]?.body, it.asked[1]?.body);
});

test("a response whose body never came still told the id", async () => {
  const it = set([() => stream([], true), () => stream([start, done])]);
  assert.deepEqual(await it.run(), { kind: "ended" });
  assert.equal(it.asked[1]?.url, "api/chat/g1/stream");
  assert.equal(it.asked[1]?.headers.has("Last-Event-ID"), false);
});

test("the wait starts at what the stream asks, doubles, and is bounded", async () => {
  const vain = Array(6).fill(unreachable);
  const it = set([() => stream(["retry: 1200\n\n", start]), ...vain, () => stream([done])]);
  await it.run();
  const waits = it.slept.filter((ms) => ms < 40_000);
  assert.deepEqual(waits, [600, 1200, 2400, 2500, 2500, 2500, 2500]);
});

test("nobody there: it says so meanwhile, and gives up after some attempts", async () => {
  const it = set(Array(5).fill(unreachable));
  const states = new Set();
  it.connection.onState = (state) => states.add(state);
  const outcome = await it.run();
  assert.deepEqual([...states], ["connecting", "unanswered"]); // nothing was there that could be lost
  assert.equal(outcome.kind, "refused");
  assert.equal(outcome.fault.type, "network_error");
});

test("a refusal ends it, with what the gateway said", async () => {
  const error = { type: "rate_limit_error", message: "Slow down." };
  const it = set([() => status(429, { type: "error", error, request_id: "r1" }, { "Retry-After": "12" })]);
  assert.deepEqual(await it.run(), {
    kind: "refused",
    status: 429,
    fault: error,
    requestId: "r1",
    retryAfterMs: 12_000,
  });
});

test("a proxy's own 502 is no verdict", async () => {
  const it = set([() => status(502), () => stream([start, done])]);
  assert.deepEqual(await it.run(), { kind: "ended" });
});

for (const code of [404, 410]) {
  test(`a generation that is gone (${code}) is interrupted`, async () => {
    const it = set([() => stream([start, text(2, "Hel")]), () => status(code, { error: { type: "not_found_error" } })]);
    assert.deepEqual(await it.run(), { kind: "interrupted" });
    assert.equal(it.text(), "Hel");
  });
}

test("nothing left after the cursor is an end", async () => {
  const it = set([() => stream([start]), () => new Response(null, { status: 204 })]);
  assert.deepEqual(await it.run(), { kind: "ended" });
});

test("a busy gateway is asked again when it says", async () => {
  const it = set([() => stream([start]), () => status(503, {}, { "Retry-After": "7" }), () => stream([done])]);
  await it.run();
  assert.ok(it.slept.includes(7000));
});

test("forty seconds of silence count as a cut", async () => {
  const it = set([(_, signal) => silent(start, signal), () => stream([done])]);
  assert.deepEqual(await it.run(), { kind: "ended" });
  assert.ok(it.slept.includes(40_000));
});

test("a reader who looks for the token may take longer than that", async () => {
  const it = set([
    (_, signal) =>
      new Promise((resolve, reject) => {
        signal?.addEventListener("abort", () => reject(signal.reason));
        it.reader.asked = true;
        const found = () => {
          if (it.slept.length < 5) return void setImmediate(found);
          it.reader.asked = false;
          resolve(stream([start, done]));
        };
        found();
      }),
  ]);
  assert.deepEqual(await it.run(), { kind: "ended" });
  assert.equal(it.asked.length, 1);
});

test("a page that was loaded again goes on after what it has", async () => {
  const it = set([() => stream([text(5, "lo"), done])], { id: "g1", cursor: "1-4", restored: true });
  const states = /** @type {string[]} */ ([]);
  it.connection.onState = (state) => states.push(state);
  assert.deepEqual(await it.run(), { kind: "ended" });
  assert.equal(it.asked[0]?.headers.get("Last-Event-ID"), "1-4");
  assert.deepEqual(it.live, [false, false]);
  assert.ok(!states.includes("reconnecting")); // no connection was lost
});

test("stop cancels by id, and the stream's own end is waited for", async () => {
  /** @type {ReadableStreamDefaultController | null} */
  let out = null;
  const it = set([
    () =>
      new Response(new ReadableStream({ start: (controller) => (out = controller) }), {
        headers: { "X-Chat-Id": "g1" },
      }),
    () => {
      out?.enqueue(encoder.encode(done));
      return status(200, {});
    },
  ]);
  it.connection.onId = () => void it.connection.stop();
  assert.deepEqual(await it.run(), { kind: "ended" });
  assert.deepEqual([it.asked[1]?.method, it.asked[1]?.url], ["DELETE", "api/chat/g1"]);
});

test("stop before any id cancels by key", async () => {
  const it = set([
    (_, signal) => {
      void it.connection.stop();
      return new Promise((_, reject) => signal?.addEventListener("abort", () => reject(signal.reason)));
    },
    () => status(200, {}),
  ]);
  assert.deepEqual(await it.run(), { kind: "stopped" });
  assert.deepEqual([it.asked[1]?.method, it.asked[1]?.url], ["DELETE", "api/chat"]);
  assert.equal(it.asked[1]?.headers.get("Idempotency-Key"), "k");
});

/** What a browser has of lines: none. @param {boolean} free  whether one becomes free */
function lines(free) {
  /** @type {string[]} */
  const log = [];
  const release = () => void log.push("back");
  /** @type {any} */
  const given = {
    sockets: null,
    take: async () => null,
    wait: async (/** @type {AbortSignal} */ signal) => {
      log.push("waits");
      if (free) return release;
      return new Promise((resolve) => signal.addEventListener("abort", () => resolve(null)));
    },
    begin: async () => {
      log.push("begins");
      return release;
    },
  };
  return { log, lines: given };
}

test("without a line a question is asked over HTTP and read over a WebSocket", async () => {
  const { log, lines: none } = lines(false);
  /** @type {any[]} */
  const heard = [];
  let given = false;
  const posted = new Response(
    new ReadableStream({
      cancel() {
        given = true;
      },
    }),
    {
      headers: { "X-Chat-Id": "g1" },
    },
  );
  const listen = async (/** @type {string} */ id, /** @type {string | null} */ cursor) => {
    heard.push([id, cursor, given]);
    return heard.length === 1 ? stream([start, text(2, "Hel")]) : stream([text(3, "lo"), done]);
  };
  const it = set([() => posted], {}, { lines: none, listen });
  assert.deepEqual(await it.run(), { kind: "ended" });
  assert.deepEqual([it.text(), it.asked.length], ["Hello", 1]);
  assert.deepEqual(heard, [
    ["g1", null, false], // it is read over the WebSocket before the POST is given up
    ["g1", "1-2", true],
  ]);
  assert.deepEqual(log, ["begins", "back"]);
});

test("where no WebSocket comes through, a line is waited for", async () => {
  const { log, lines: none } = lines(true);
  const listen = () => Promise.reject(new Error("a proxy that knows no WebSockets"));
  const it = set([() => stream([text(5, "lo"), done])], { id: "g1", cursor: "1-4" }, { lines: none, listen });
  /** @type {string[]} */
  const states = [];
  it.connection.onState = (state) => void states.push(state);
  assert.deepEqual(await it.run(), { kind: "ended" });
  assert.equal(it.text(), "lo");
  assert.deepEqual(log, ["waits", "back"]);
  assert.ok(states.includes("queued"));
});

test("a question that waits for a line is not asked, and can be stopped at once", async () => {
  const { lines: none } = lines(false);
  const it = set([() => status(404, {})], {}, { lines: none, reach: async () => false });
  it.connection.onState = (state) => void (state === "queued" && it.connection.stop());
  assert.deepEqual(await it.run(), { kind: "stopped" });
  assert.deepEqual(
    it.asked.map(({ method }) => method),
    ["DELETE"],
  );
});

test("a WebSocket is tried before a question is asked that would be read over one, and tried again while it waits", async () => {
  const { log, lines: none } = lines(false);
  const tried = [false, false, true];
  const listen = async () => stream([start, text(2, "Hello"), done]);
  const reach = async () => {
    assert.equal(it.asked.length, 0);
    return tried.shift() ?? true;
  };
  const it = set([() => stream([])], {}, { lines: none, listen, reach });
  assert.deepEqual(await it.run(), { kind: "ended" });
  assert.deepEqual([it.text(), tried.length], ["Hello", 0]);
  assert.deepEqual(log, ["waits", "waits", "begins", "back"]);
});

test("a question that waits for a line says so until it is asked, whoever comes and goes", async () => {
  const { lines: none } = lines(false);
  /** @type {(line: () => void) => void} */
  let give = () => {};
  none.wait = () => new Promise((resolve) => (give = resolve));
  const it = set([() => stream([start, done])], {}, { lines: none, reach: async () => false });
  /** @type {string[]} */
  const states = [];
  it.connection.onState = (state) => {
    states.push(state);
    if (state !== "queued") return;
    for (let n = 0; n < 9; n += 1) {
      it.connection.wake(); // the reader looks at another tab, and back
      it.connection.revive(); // the network was gone for a moment
    }
    setImmediate(() => give(() => {}));
  };
  assert.deepEqual(await it.run(), { kind: "ended" });
  assert.deepEqual(states, ["connecting", "queued", "connecting", "streaming"]);
});
