// @ts-check
import assert from "node:assert/strict";
import { test } from "node:test";
import { Typewriter } from "../../static/js/typewriter.js";

/** @typedef {import("../../static/js/events.js").ChatEvent} ChatEvent */

/** @param {string} words @param {number} [index] @returns {ChatEvent} */
const text = (words, index = 0) => ({ type: "text", index, text: words });
/** @type {ChatEvent} */
const done = { type: "done", stop_reason: "end_turn" };
/** @param {ChatEvent[]} events */
const shown = (events) => events.map((event) => (event.type === "text" ? event.text : "")).join("");

/**
 * Play arrivals through a typewriter at 60 frames a second.
 *
 * @param {[number, ChatEvent][]} arrivals  ms, event
 * @param {Typewriter} [typewriter]
 */
function play(arrivals, typewriter = new Typewriter()) {
  const lag = [];
  /** @type {ChatEvent[]} */
  const out = [];
  /** @type {{at: number, chars: number}[]} */
  const frames = [];
  /** @type {number[]} when each character came */
  const born = [];
  const last = arrivals.at(-1)?.[0] ?? 0;
  let next = 0;
  let count = 0;
  let now = 0;
  for (; now < last + 2000; now += 1000 / 60) {
    for (const [at, event] of arrivals.slice(next)) {
      if (at > now) break;
      next += 1;
      typewriter.push(event, at);
      if (event.type === "text") born.push(...Array(event.text.length).fill(at));
    }
    if (typewriter.idle) {
      if (next === arrivals.length) break;
      continue;
    }
    const events = typewriter.frame(now);
    out.push(...events);
    const chars = shown(events).length;
    for (let n = 0; n < chars; n += 1) lag.push(now - /** @type {number} */ (born[count + n]));
    count += chars;
    frames.push({ at: now, chars });
  }
  return { out, frames, lag: lag.sort((a, b) => a - b), tail: now - last, idle: typewriter.idle };
}

/**
 * Clumps as a proxy makes them: nothing for a while, then all of it.
 *
 * @param {number} charsPerMs
 * @param {number} longest  ms of silence
 */
function clumped(charsPerMs, longest) {
  /** @type {[number, ChatEvent][]} */
  const arrivals = [];
  let seed = 7;
  let at = 0;
  for (let sent = 0; sent < 6000; ) {
    seed = (seed * 1103515245 + 12345) % 2147483648;
    const gap = 250 + (seed / 2147483648) * (longest - 250);
    at += gap;
    const chars = Math.round(gap * charsPerMs);
    arrivals.push([at, text("x".repeat(chars))]);
    sent += chars;
  }
  arrivals.push([at, done]);
  return arrivals;
}

test("the first character is shown in the very next frame", () => {
  const typewriter = new Typewriter();
  typewriter.push(text("Hello"), 1000);
  assert.match(shown(typewriter.frame(1001)), /^H/);
});

test("nothing is lost, nothing doubled, and the order stays", () => {
  /** @type {ChatEvent[]} */
  const events = [
    { type: "block_start", index: 0, kind: "text", at_ms: 0 },
    text("Hello "),
    text(""),
    text("world"),
    { type: "block_stop", index: 0, at_ms: 9 },
    { type: "block_start", index: 1, kind: "text", at_ms: 9 },
    text("again", 1),
    done,
  ];
  const { out, idle } = play(events.map((event, n) => [n * 7, event]));
  assert.equal(idle, true);
  /** @type {ChatEvent[]} */
  const joined = [];
  for (const event of out) {
    const before = joined.at(-1);
    if (event.type === "text" && before?.type === "text" && before.index === event.index) {
      joined[joined.length - 1] = { ...before, text: before.text + event.text };
    } else joined.push(event);
  }
  assert.deepEqual(
    joined.map((event) => (event.type === "text" ? event.text : event.type)),
    ["block_start", "Hello world", "block_stop", "block_start", "again", "done"],
  );
});

for (const tokensPerSecond of [45, 250]) {
  test(`clumps at ${tokensPerSecond} tokens a second, at most half a second behind, drained soon`, () => {
    const { lag, tail, idle } = play(clumped((tokensPerSecond * 4) / 1000, 700));
    assert.equal(idle, true);
    const p95 = /** @type {number} */ (lag[Math.floor(lag.length * 0.95)]);
    assert.ok(p95 <= 500, `p95 lag ${p95} ms`);
    assert.ok(tail <= 400, `tail ${tail} ms`);
  });

  test(`clumps at ${tokensPerSecond} tokens a second, hardly ever frozen`, () => {
    const { frames } = play(clumped((tokensPerSecond * 4) / 1000, 500));
    const busy = frames.filter(({ chars }) => chars > 0).map(({ at }) => at);
    const pauses = busy.map((at, n) => at - (busy[n - 1] ?? at)).filter((pause) => pause > 150);
    const frozen = pauses.reduce((sum, pause) => sum + pause, 0);
    const whole = /** @type {number} */ (busy.at(-1)) - /** @type {number} */ (busy[0]);
    assert.ok(frozen <= whole * 0.03, `frozen ${frozen} of ${whole} ms`);
  });
}

test("text is cut between characters as readers see them", () => {
  const family = "👩‍👩‍👧‍👧";
  const typewriter = new Typewriter();
  typewriter.push(text(`${family}${family}é${family}`.repeat(20)), 0);
  const pieces = [];
  for (let now = 16; !typewriter.idle; now += 16) pieces.push(shown(typewriter.frame(now)));
  for (const piece of pieces) assert.match(piece, /^(?:👩‍👩‍👧‍👧|é)*$/u);
});

test("a pause is not made up for in one jump", () => {
  const typewriter = new Typewriter();
  typewriter.push(text("x".repeat(40)), 0);
  for (let now = 16; !typewriter.idle; now += 16) typewriter.frame(now);
  typewriter.push(text("y".repeat(400)), 10_000);
  assert.ok(shown(typewriter.frame(10_001)).length < 100);
});

test("a flush shows everything at once", () => {
  const typewriter = new Typewriter();
  typewriter.push(text("x".repeat(4000)), 0);
  typewriter.push(done, 0);
  assert.equal(typewriter.flush().length, 2);
  assert.equal(typewriter.idle, true);
  assert.equal(typewriter.backlog, 0);
});

test("instant shows all of it each frame, calm at most four times a second", () => {
  const instant = new Typewriter("instant");
  instant.push(text("x".repeat(4000)), 0);
  assert.equal(shown(instant.frame(1)).length, 4000);
  const calm = new Typewriter("calm");
  calm.push(text("a"), 0);
  assert.equal(shown(calm.frame(1)), "a");
  calm.push(text("b"), 10);
  assert.equal(shown(calm.frame(100)), "");
  assert.equal(shown(calm.frame(260)), "b");
});

test("after a dear frame the page gets its time back", () => {
  const typewriter = new Typewriter();
  typewriter.push(text("x".repeat(4000)), 0);
  typewriter.frame(16);
  typewriter.cost(3, 16);
  assert.equal(typewriter.pause(17), 0);
  typewriter.cost(20, 16);
  assert.equal(shown(typewriter.frame(100)), "");
  assert.equal(typewriter.pause(100), 36);
  assert.notEqual(shown(typewriter.frame(136)), "");
  assert.equal(typewriter.pause(300), 0);
  typewriter.cost(1000, 300);
  assert.equal(typewriter.pause(300), 125);
});
