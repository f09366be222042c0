// @ts-check
/**
 * Introduces the others; the only module that knows them all.
 *
 *   composer ─content→ conversation ─messages→ connection → sse → events → transcript → typewriter → view
 */

import { Announcer } from "./announcer.js";
import { Answer } from "./answer.js";
import { Connection } from "./connection.js";
import { Conversation } from "./conversation.js";
import { serveCode } from "./copy.js";
import { Desk } from "./desk.js";
import { promptView } from "./prompt.js";
import { Follower } from "./scroll.js";
import { localize, text } from "./text.js";
import { empty, plainText } from "./transcript.js";

/** @typedef {import("./composer.js").Content} Content */
/** @typedef {import("./conversation.js").Exchange} Exchange */

/** @param {string} id */
const byId = (id) => /** @type {HTMLElement} */ (document.getElementById(id));

const log = byId("log");
const desk = new Desk();
const { composer, settings } = desk;
const follower = new Follower(byId("scroller"));
const announcer = new Announcer(byId("status"));
const conversation = new Conversation(sessionStorage);

/** @type {import("./connection.js").Surroundings} */
const surroundings = {
  fetch: (url, init) => desk.session.fetch(url, init),
  now: () => performance.now(),
  random: Math.random,
  online: () => navigator.onLine,
  sleep: (ms, signal) =>
    new Promise((resolve) => {
      const end = () => {
        clearTimeout(timer);
        signal.removeEventListener("abort", end);
        resolve();
      };
      const timer = setTimeout(end, ms);
      signal.addEventListener("abort", end);
      if (signal.aborted) end();
    }),
};

/** @type {{connection: Connection, exchange: Exchange, answer: Answer} | null} the answer being written */
let live = null;

/** A key that nobody else has; `randomUUID` exists on https and localhost only. */
function uniqueKey() {
  if (globalThis.isSecureContext) return crypto.randomUUID();
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** @param {Content} prompt @returns {Exchange} */
function newExchange(prompt, /** @type {Exchange | null} */ instead = null) {
  const frame = conversation.frame ?? settings.frame();
  return {
    key: uniqueKey(),
    prompt,
    frame,
    request: { ...frame, ...settings.parameters(), messages: conversation.messages(prompt, instead) },
    id: null,
    cursor: null,
    transcript: empty(),
    running: true,
    unfinished: null,
  };
}

/** @param {Content} prompt */
function ask(prompt) {
  if (live) return;
  const exchange = newExchange(prompt);
  conversation.add(exchange); // stored before the request leaves
  log.append(promptView(prompt));
  void run(exchange, { restored: false });
  follower.toEnd();
}

/** Ask the last prompt once more; what arrived of the failed answer stays to be read. @param {Exchange} exchange */
function askAgain(exchange, /** @type {Answer} */ failed) {
  if (live) return;
  if (failed.words === 0) failed.view.element.remove();
  else failed.view.element.dataset.superseded = "";
  Object.assign(exchange, newExchange(exchange.prompt, exchange));
  conversation.save(exchange);
  void run(exchange, { restored: false });
  follower.toEnd();
  composer.focus();
}

/** @param {Exchange} exchange @param {{restored: boolean}} how */
async function run(exchange, { restored }) {
  const answer = new Answer();
  const connection = new Connection({ ...exchange, restored }, surroundings);
  live = { connection, exchange, answer };
  byId("welcome").hidden = true;
  log.append(answer.view.element);
  composer.busy = true;
  let begun = false;
  connection.onId = (id) => {
    exchange.id = id;
    conversation.save(exchange);
  };
  answer.onShown = () => follower.follow();
  answer.onEvent = (event) => {
    exchange.transcript = answer.transcript;
    exchange.cursor = connection.cursor;
    conversation.touch(exchange);
    if (event.type === "block_start" && event.kind === "thinking" && !begun) announcer.say(text.status.thinking);
    if (event.type === "text" && !begun) {
      begun = true;
      announcer.say(text.status.answering);
    }
  };
  if (restored) answer.restore(exchange.transcript);

  const outcome = await answer.follow(connection);
  if (live?.exchange !== exchange) return; // another conversation was begun meanwhile
  live = null;
  exchange.running = false;
  exchange.request = {}; // its messages are the exchanges before it: no need to keep them twice
  if (outcome.kind !== "ended") exchange.unfinished = outcome;
  conversation.save(exchange);
  composer.busy = false;
  conclude(exchange, answer);
  const cancelled =
    exchange.transcript.terminal?.type === "done" && exchange.transcript.terminal.stop_reason === "cancelled";
  if (outcome.kind === "stopped" || cancelled) announcer.say(text.status.stopped);
  else if (outcome.kind === "ended" && !answer.failure) announcer.say(text.status.complete(answer.words));
  follower.follow();
}

/** Say below an answer what went wrong, if something did. @param {Exchange} exchange @param {Answer} answer */
function conclude(exchange, answer) {
  const { unfinished } = exchange;
  const last = conversation.exchanges.at(-1) === exchange; // only the last one can be asked again
  const onAgain = last ? () => askAgain(exchange, answer) : null;
  if (answer.failure) {
    const { error, request_id } = answer.failure;
    answer.view.fail(error, { requestId: request_id ?? null, retryAfterMs: null, onAgain });
  } else if (unfinished?.kind === "refused") {
    answer.view.fail(unfinished.fault, { ...unfinished, onAgain });
  } else if (unfinished?.kind === "interrupted") {
    answer.view.fail({ type: "interrupted", message: "" }, { requestId: null, retryAfterMs: null, onAgain });
  } else if (unfinished?.kind === "stopped") {
    answer.view.note(text.stopReason.cancelled);
  }
  if (answer.words === 0) return;
  answer.view.copyable(() => plainText(exchange.transcript));
  void answer.verify();
  const { terminal } = exchange.transcript;
  const cutOff =
    unfinished || terminal?.type === "error" || ["max_tokens", "cancelled"].includes(terminal?.stop_reason ?? "");
  if (last && cutOff) answer.view.offer(text.goOn, () => ask(text.goOnPrompt));
}

/** Draw the conversation that this tab had before it was loaded again, and go on with what is still being written. */
function restore() {
  for (const exchange of conversation.exchanges) {
    byId("welcome").hidden = true;
    log.append(promptView(exchange.prompt));
    if (exchange.running) {
      void run(exchange, { restored: true });
      continue;
    }
    const answer = new Answer();
    answer.restore(exchange.transcript);
    answer.view.settle();
    log.append(answer.view.element);
    conclude(exchange, answer);
  }
  if (conversation.exchanges.length > 0) follower.toEnd();
}

function clear() {
  void live?.connection.stop(); // nobody will read it
  live = null;
  composer.busy = false;
  conversation.clear();
  log.replaceChildren();
  byId("welcome").hidden = false;
  composer.focus();
}

localize(document);
composer.onSend = ask;
desk.request = (content) => newExchange(content).request;
desk.onExample = (prompt) => {
  ask(prompt);
  composer.focus(); // the button is gone
};
composer.onStop = () => void live?.connection.stop();
follower.onChange = (following) => (byId("latest").hidden = following);
byId("latest").addEventListener("click", () => follower.toEnd());
byId("new").addEventListener("click", clear);
serveCode(log);
desk.shortcuts.add("newChat", "Mod+Shift+O", clear);
addEventListener("online", () => live?.connection.revive());
addEventListener("pagehide", () => live && conversation.save(live.exchange));
document.addEventListener("visibilitychange", () => document.hidden || live?.connection.wake());

restore();
void desk.load();
