// @ts-check
/** A conversation's branch in view as a Markdown document. Pure. */

import { promptText } from "./history.js";
import { Tree } from "./tree.js";

/**
 * @typedef {import("./tree.js").Conversation} Conversation
 * @typedef {import("./tree.js").Json} Json
 * @typedef {import("./tree.js").Message} Message
 * @typedef {import("../transcript.js").Block} Block
 */

/**
 * @typedef {object} Words  in the reader's language
 * @property {string} you
 * @property {(model: string) => string} claude
 * @property {string} attachment
 * @property {string} sources
 */

/** @param {Conversation} conversation @param {readonly Message[]} messages @param {Words} words */
export function toMarkdown(conversation, messages, words) {
  const tree = new Tree(messages);
  const parts = tree.path(tree.head(conversation.head)).map((message) => said(message, words));
  return `${[`# ${escaped(conversation.title)}`, ...parts].join("\n\n")}\n`;
}

/** @param {Message} message @param {Words} words */
function said(message, words) {
  if (message.role === "user") {
    const attached = typeof message.content === "string" ? [] : message.content.filter(({ type }) => type !== "text");
    const names = attached.map((block) => `*${words.attachment}: ${escaped(nameOf(block))}*`);
    return [`## ${words.you}`, ...names, promptText(message.content)].join("\n\n");
  }
  const { model, blocks } = message.transcript;
  const standing = blocks.filter(({ state }) => state === "standing");
  const sources = standing.flatMap(({ citations }) => citations.map(({ url }) => url)).filter(isAddress);
  return [
    `## ${words.claude(model ?? "")}`,
    ...standing.map(blockText),
    sources.length > 0 && `${words.sources}\n\n${[...new Set(sources)].map((url) => `- <${url}>`).join("\n")}`,
  ]
    .filter(Boolean)
    .join("\n\n");
}

/** @param {Block} block */
function blockText({ kind, text, whole, name }) {
  if (kind === "text") return text.trim();
  if (!/tool_use$/.test(kind)) return ""; // reasoning, and what only machines read
  return `**${escaped(whole?.name ?? name ?? kind)}**\n\n${fenced(JSON.stringify(whole?.input ?? null, null, 2))}`;
}

/** A fence that is longer than any in what it holds. @param {string} code */
function fenced(code) {
  const longest = Math.max(2, ...(code.match(/`+/g) ?? []).map((ticks) => ticks.length));
  const fence = "`".repeat(longest + 1);
  return `${fence}json\n${code}\n${fence}`;
}

/** @param {Json} block */
const nameOf = (block) => String(block.title ?? block.type ?? "");

/** @param {unknown} url */
const isAddress = (url) => typeof url === "string" && /^https?:\/\/[^\s<>]+$/.test(url);

/** Text on one line that Markdown leaves alone. @param {string} text */
const escaped = (text) => text.replace(/\s+/g, " ").replace(/[\\`*_[\]<>#|~]/g, "\\$&");
