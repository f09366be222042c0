// @ts-check
/**
 * What Claude is told of a conversation: its path, in Claude's shape.
 *
 * Pure. History is append-only: thinking is sent back as it came, because it was signed together with all that stood
 * before it. It was signed under that request's system prompt and tools too, so under others it is left out (a model
 * leaves another model's thinking aside by itself). Leaving it out is decided per answer by its own request alone,
 * so what an earlier request said of the past and what a later one says of it are the same.
 *
 * A question that was refused is left out together with what was said of it: half a refused answer is none, and Claude
 * would go on refusing. So is one that could not be asked as it was (too large, or with something that Claude does not
 * take): nothing could be asked after it.
 */

import { isOfTheQuestion } from "../events.js";
import { plainText } from "../transcript.js";
import { turns } from "../turns.js";

/**
 * @typedef {import("./tree.js").Json} Json
 * @typedef {import("./tree.js").Message} Message
 * @typedef {import("./tree.js").Reply} Reply
 * @typedef {import("./tree.js").Turn} Turn
 */

/** @param {Json} asked  a request's fields */
const context = ({ system = null, tools = null }) => JSON.stringify([system, tools]);

/**
 * @param {readonly Message[]} path
 * @param {Json} asking  the new request's fields
 * @returns {Turn[]}
 */
export function history(path, asking) {
  const now = context(asking);
  return path.flatMap((message, n) => {
    const answer = message.role === "user" ? path[n + 1] : message;
    if (answer && wasRefused(answer)) return [];
    if (message.role === "user") return [{ role: message.role, content: message.content }];
    const said = message.turns ?? turns(message.transcript);
    return sendable(said, context(message.asked) === now);
  });
}

/** @param {Message} message */
function wasRefused(message) {
  if (message.role === "user") return false;
  const { transcript, unfinished } = message;
  const { terminal, blocks } = transcript;
  if (terminal?.type === "done") return terminal.stop_reason === "refusal";
  const fault = terminal?.error ?? (unfinished?.kind === "refused" ? unfinished.fault : null);
  return fault !== null && blocks.length === 0 && isOfTheQuestion(fault);
}

/**
 * These turns without what Claude would refuse: calls that nobody answered, and turns that are nothing but reasoning.
 *
 * @param {Turn[]} said
 * @param {boolean} withThinking
 * @returns {Turn[]}
 */
function sendable(said, withThinking) {
  const answered = new Set(
    said.flatMap(({ content }) => (typeof content === "string" ? [] : content.map((block) => block.tool_use_id))),
  );
  return said.flatMap((turn) => {
    const { role, content } = turn;
    if (typeof content === "string") return [turn];
    const kept = content.filter((block) => {
      if (isThinking(block)) return withThinking;
      return !/tool_use$/.test(block.type) || answered.has(block.id);
    });
    return kept.every(isThinking) ? [] : [{ role, content: kept }];
  });
}

/** @param {Json} block */
const isThinking = ({ type }) => type === "thinking" || type === "redacted_thinking";

/** What a message says, for reading, searching and copying. @param {Message} message */
export function words(message) {
  return message.role === "user" ? promptText(message.content) : plainText(message.transcript);
}

/** The text of what was asked, without what was attached. @param {string | Json[]} content @returns {string} */
export function promptText(content) {
  if (typeof content === "string") return content;
  return content
    .filter(({ type, text }) => type === "text" && typeof text === "string")
    .map(({ text }) => text)
    .join("\n\n");
}

/**
 * The same prompt in other words: what was attached stays.
 *
 * @param {string | Json[]} content
 * @param {string} text
 * @returns {string | Json[]}
 */
export function reworded(content, text) {
  if (typeof content === "string") return text;
  const attached = content.filter(({ type }) => type !== "text");
  return text === "" ? attached : [...attached, { type: "text", text }];
}
