// @ts-check
/**
 * What a model can do, as far as the gateway tells. Pure. Where Claude says nothing (null), nothing is forbidden.
 *
 * A reason is the name of a text in `text.cannot`, or null where there is none.
 */

/** @typedef {"low" | "medium" | "high" | "xhigh" | "max"} Effort */
/** @typedef {"shown" | "hidden" | "off"} Thinking */
/** @typedef {keyof import("../languages/en.js").Texts["cannot"]} Reason */

/**
 * @typedef {object} Model
 * @property {string} id
 * @property {string} [display_name]
 * @property {number | null} [max_input_tokens]
 * @property {number | null} [max_tokens]
 * @property {any} [capabilities]
 */

/** What a question brings along. @typedef {{images: boolean, pdfs: boolean}} Needs */

/** @type {readonly Effort[]} */
export const EFFORTS = ["low", "medium", "high", "xhigh", "max"];
/** @type {readonly Thinking[]} */
export const THINKINGS = ["shown", "hidden", "off"];

/** Models whose thinking can be switched off, but not above high effort: the list of models does not tell. */
const OFF_UP_TO_HIGH = /^claude-(?:opus-5|haiku-5-5)$/;

/** @param {any} capability  `{supported}` or nothing @returns {boolean} */
const refused = (capability) => capability?.supported === false;

/** Why this model cannot take a question like this. @param {Model} model @param {Needs} needs @returns {Reason | null} */
export function cannotTake({ capabilities }, needs) {
  if (needs.images && refused(capabilities?.image_input)) return "images";
  if (needs.pdfs && refused(capabilities?.pdf_input)) return "pdfs";
  return null;
}

/** @param {Model} model @param {Effort} effort @returns {Reason | null} */
export function cannotTry({ capabilities }, effort) {
  if (refused(capabilities?.effort)) return "effort";
  return refused(capabilities?.effort?.[effort]) ? "thisEffort" : null;
}

/** @param {Model} model @param {Thinking} thinking @param {Effort | null} effort @returns {Reason | null} */
export function cannotThink(model, thinking, effort) {
  const types = model.capabilities?.thinking?.types;
  if (thinking !== "off") return refused(types?.adaptive) && refused(types?.enabled) ? "thinking" : null;
  if (refused(types?.disabled)) return "notThinking";
  return (effort === "xhigh" || effort === "max") && OFF_UP_TO_HIGH.test(model.id) ? "notThinkingHard" : null;
}

/** How the model thinks when the reader has no wish: shown, if it decides by itself how much. @param {Model} model @returns {Thinking} */
export function usualThinking({ capabilities }) {
  return capabilities?.thinking?.types?.adaptive?.supported ? "shown" : "off";
}
