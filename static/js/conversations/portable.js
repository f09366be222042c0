// @ts-check
/**
 * Conversations as a file that a reader can keep, and back.
 *
 * Pure. A file says nothing that would open a door: no ids of generations (they are capabilities), no keys. What comes
 * in is somebody else's: it is checked field by field, gets ids of its own, and nothing of it is running.
 */

import * as shape from "./shape.js";
import { tidyTitle } from "./title.js";

/**
 * @typedef {import("./tree.js").Conversation} Conversation
 * @typedef {import("./tree.js").Message} Message
 * @typedef {{conversation: Conversation, messages: Message[]}} Whole
 */

const { anything, boolean, json, list, natural, nullable, number, object, oneOf, optional, string } = shape;
/** What does not fit throws this. */
export const Malformed = shape.Malformed;

const FORMAT = "claude-gateway/conversations";
const VERSION = 1;
/** What one file may hold */
const MOST_CONVERSATIONS = 10_000;
const MOST_MESSAGES = 20_000;
/** bytes */
export const LARGEST_FILE = 64 * 1024 * 1024;

/** @param {readonly Whole[]} wholes @param {number} now */
export function toFile(wholes, now) {
  const conversations = wholes.map(({ conversation: { title, created, changed, pinned, head }, messages }) => ({
    title,
    created,
    changed,
    pinned,
    head,
    messages: messages.map((message) => {
      const { id, parent, role, created: at } = message;
      if (role === "user") return { id, parent, role, created: at, content: message.content };
      const { asked, transcript, turns, unfinished } = message;
      return { id, parent, role, created: at, asked, transcript: { ...transcript, id: null }, turns, unfinished };
    }),
  }));
  return JSON.stringify({ format: FORMAT, version: VERSION, exported: new Date(now).toISOString(), conversations });
}

const id = string(200);
const name = string(1000);
const content = (/** @type {unknown} */ value, /** @type {string} */ place) =>
  typeof value === "string" ? value : list(json, 10_000)(value, place);
const turns = list(object({ role: oneOf(/** @type {const} */ (["user", "assistant"])), content }), 10_000);
const fault = object({ type: name, message: string(100_000) });

const block = object({
  index: natural,
  turn: natural,
  kind: name,
  text: string(),
  tokens: optional(natural),
  signature: nullable(string()),
  citations: list(json, 100_000),
  whole: nullable(json),
  name: optional(name),
  id: optional(id),
  startMs: number,
  stopMs: nullable(number),
  extra: json,
  state: oneOf(/** @type {const} */ (["standing", "void", "aside"])),
  seams: list(natural, 10_000),
});

const done = object({
  type: oneOf(/** @type {const} */ (["done"])),
  stop_reason: nullable(name),
  usage: nullable(json),
  cost_usd: nullable(number),
  timing: nullable(object({ ttft_ms: nullable(number), duration_ms: number, tokens_per_second: nullable(number) })),
  digest: nullable(name),
});
const failed = object({
  type: oneOf(/** @type {const} */ (["error"])),
  error: fault,
  request_id: nullable(name),
  digest: nullable(name),
});
const terminal = (/** @type {any} */ value, /** @type {string} */ place) =>
  value?.type === "error" ? failed(value, place) : done(value, place);

const result = object({
  type: oneOf(/** @type {const} */ (["tool_result"])),
  tool_use_id: id,
  content: anything,
  is_error: boolean,
});
const step = (/** @type {any} */ value, /** @type {string} */ place) =>
  value?.result ? object({ result })(value, place) : object({ block: natural })(value, place);

const transcript = object({
  model: nullable(name),
  blocks: list(block, 100_000),
  steps: list(step, 100_000),
  usage: nullable(json),
  retries: natural,
  since: nullable(list(natural, 100_000)),
  continued: nullable(natural),
  terminal: nullable(terminal),
});

const refused = object({
  kind: oneOf(/** @type {const} */ (["refused"])),
  status: natural,
  fault,
  requestId: nullable(name),
});
const unfinished = (/** @type {any} */ value, /** @type {string} */ place) =>
  value?.kind === "refused"
    ? { ...refused(value, place), retryAfterMs: null }
    : object({ kind: oneOf(/** @type {const} */ (["interrupted", "stopped"])) })(value, place);

const prompt = object({
  id,
  parent: nullable(id),
  role: oneOf(/** @type {const} */ (["user"])),
  created: number,
  content,
});
const reply = object({
  id,
  parent: id,
  role: oneOf(/** @type {const} */ (["assistant"])),
  created: number,
  asked: json,
  transcript,
  turns: nullable(turns),
  unfinished: nullable(unfinished),
});
const message = (/** @type {any} */ value, /** @type {string} */ place) =>
  value?.role === "assistant" ? reply(value, place) : prompt(value, place);

/** What is checked one by one, later. */
const unchecked = (/** @type {unknown} */ value) => value;

const conversation = object({
  title: name,
  created: number,
  changed: number,
  pinned: boolean,
  head: nullable(id),
  messages: list(unchecked, MOST_MESSAGES),
});

const file = object({
  format: oneOf(/** @type {const} */ ([FORMAT])),
  version: natural,
  conversations: list(unchecked, MOST_CONVERSATIONS),
});

/**
 * @param {string} text  of the file
 * @param {() => string} newId
 * @param {() => Promise<void>} pause  after each message: many take longer than a page may be held up
 * @returns {Promise<Whole[]>}
 * @throws {Malformed} its message is the place in the file, empty when it is no such file at all
 */
export async function fromFile(text, newId, pause) {
  let value;
  try {
    value = JSON.parse(text);
  } catch {
    throw new Malformed("");
  }
  if (value?.format !== FORMAT) throw new Malformed("");
  const checked = file(value, "file");
  if (checked.version !== VERSION) throw new Malformed("file.version");
  const wholes = [];
  for (const [n, one] of checked.conversations.entries()) {
    const place = `file.conversations[${n}]`;
    const { messages, ...rest } = conversation(one, place);
    const sound = [];
    for (const [at, each] of messages.entries()) {
      sound.push(message(each, `${place}.messages[${at}]`));
      await pause();
    }
    wholes.push(adopt(rest, sound, newId, place));
  }
  return wholes;
}

/**
 * @param {Omit<ReturnType<typeof conversation>, "messages">} given
 * @param {ReturnType<typeof message>[]} messages
 * @param {() => string} newId
 * @param {string} place
 * @returns {Whole}
 */
function adopt({ title, created, changed, pinned, head }, messages, newId, place) {
  const own = newId();
  const ids = new Map(messages.map((each) => [each.id, newId()]));
  if (ids.size !== messages.length) throw new Malformed(`${place}.messages`); // two with the same id
  /** @type {Map<string | null, string>} who said what came before; nobody, the first */
  const roles = new Map([[null, "assistant"]]);
  /** @type {Map<string | null, number>} */
  const times = new Map();
  const adopted = messages.map((each, n) => {
    // a parent stands before its children, so there can be no circle; and it is the other side's
    const before = roles.get(each.parent);
    if (before === undefined || before === each.role) throw new Malformed(`${place}.messages[${n}].parent`);
    roles.set(each.id, each.role);
    const time = Math.max(each.created, (times.get(each.parent) ?? -Infinity) + 1); // which is their order, too
    times.set(each.id, time);
    const parent = ids.get(each.parent ?? "") ?? null;
    const common = { id: ids.get(each.id) ?? "", conversation: own, parent, created: time };
    if (each.role === "user") return { ...each, ...common };
    return {
      ...each,
      ...common,
      transcript: { ...each.transcript, id: null },
      key: newId(),
      messages: null,
      generation: null,
      cursor: null,
    };
  });
  return {
    conversation: {
      id: own,
      title: tidyTitle(title),
      created,
      changed,
      pinned,
      head: ids.get(head ?? "") ?? null,
      deleted: null,
    },
    messages: /** @type {Message[]} */ (adopted),
  };
}
