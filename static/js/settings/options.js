// @ts-check
/**
 * What the reader has set, and what of it goes into a request. Pure.
 *
 *   frame        system prompt and tools: the beginning of everything Claude is sent, the same for a whole conversation.
 *                Claude signs its reasoning together with what came before, so what came before must not change.
 *   parameters   model, effort, thinking, length: may differ from question to question
 *
 * Wishes that the chosen model cannot meet are left out of the request, but not forgotten.
 */

import { cannotThink, cannotTry, EFFORTS, THINKINGS, usualThinking } from "./models.js";

/** @typedef {import("./models.js").Effort} Effort */
/** @typedef {import("./models.js").Model} Model */
/** @typedef {import("./models.js").Thinking} Thinking */

/**
 * @typedef {object} Options  null: as the model or the gateway has it
 * @property {string | null} model
 * @property {Effort | null} effort
 * @property {Thinking | null} thinking
 * @property {number | null} maxTokens
 * @property {string} system
 * @property {string[]} toolsOff  names; tools that are added later are on
 */

/**
 * @typedef {object} Config  what GET /api/config says
 * @property {boolean} demo
 * @property {"none" | "token" | "proxy" | "jwt"} auth
 * @property {boolean} signed_in
 * @property {string | null} user  who has signed in
 * @property {number} default_max_tokens
 * @property {number} max_tokens
 * @property {{name: string, description: string}[]} tools
 * @property {Limits} attachments
 */

/**
 * @typedef {object} Limits
 * @property {number} max_body_bytes
 * @property {{media_types: string[], max_bytes: number, max_edge: number, max_count: number}} images
 * @property {{media_types: string[]}} documents
 */

/** tokens: bounds of what a model may think that wants to be told how much; the upper one leaves room to answer */
const LEAST_BUDGET = 1024;
const MOST_BUDGET = 16_000;

/** @type {Options} */
export const DEFAULTS = { model: null, effort: null, thinking: null, maxTokens: null, system: "", toolsOff: [] };

/**
 * @param {Options} options
 * @param {Config | null} config
 * @returns {{system?: string, tools?: {name: string}[]}}
 */
export function frame({ system, toolsOff }, config) {
  const tools = (config?.tools ?? []).filter(({ name }) => !toolsOff.includes(name)).map(({ name }) => ({ name }));
  return { ...(system.trim() ? { system } : {}), ...(tools.length > 0 ? { tools } : {}) };
}

/**
 * @param {Options} options
 * @param {Model | null} model  the chosen one; null when no models are known, and the gateway decides
 * @param {Config | null} config
 * @returns {Record<string, unknown>}
 */
export function parameters(options, model, config) {
  if (model === null) return options.maxTokens === null ? {} : { max_tokens: options.maxTokens };
  const effort = options.effort !== null && cannotTry(model, options.effort) === null ? options.effort : null;
  const most = Math.min(config?.max_tokens ?? Infinity, model.max_tokens ?? Infinity);
  const maxTokens = options.maxTokens === null ? null : Math.min(options.maxTokens, most);
  const room = maxTokens ?? Math.min(config?.default_max_tokens ?? Infinity, most);
  const thinking = think(options.thinking, model, effort, room);
  return {
    model: model.id,
    ...(maxTokens === null ? {} : { max_tokens: maxTokens }),
    ...(effort === null ? {} : { output_config: { effort } }),
    ...(thinking === null ? {} : { thinking }),
  };
}

/**
 * @param {Thinking | null} wish
 * @param {Model} model
 * @param {Effort | null} effort
 * @param {number} room  tokens for thinking and answer together
 */
function think(wish, model, effort, room) {
  const types = model.capabilities?.thinking?.types;
  if (!types) return null;
  const how = wish ?? usualThinking(model);
  if (cannotThink(model, how, effort) !== null) return null;
  if (how === "off") return types.disabled?.supported ? { type: "disabled" } : null;
  const display = how === "shown" ? "summarized" : "omitted";
  if (types.adaptive?.supported) return { type: "adaptive", display };
  const budget = Math.min(Math.floor(room / 2), MOST_BUDGET);
  return types.enabled?.supported && budget >= LEAST_BUDGET
    ? { type: "enabled", budget_tokens: budget, display }
    : null;
}

/** What was stored, as far as it makes sense. @param {string | null} stored @returns {Options} */
export function parseOptions(stored) {
  let value;
  try {
    value = JSON.parse(stored ?? "null");
  } catch {
    value = null;
  }
  const { model, effort, thinking, maxTokens, system, toolsOff } = value ?? {};
  return {
    model: typeof model === "string" ? model : null,
    effort: EFFORTS.includes(effort) ? effort : null,
    thinking: THINKINGS.includes(thinking) ? thinking : null,
    maxTokens: Number.isInteger(maxTokens) && maxTokens > 0 ? maxTokens : null,
    system: typeof system === "string" ? system : "",
    toolsOff: Array.isArray(toolsOff) ? toolsOff.filter((name) => typeof name === "string") : [],
  };
}
