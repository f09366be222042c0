// @ts-check
/** Why an answer stopped, where that is worth a word: a quiet line, or a card when the reader has to decide what next. */

import { make, part } from "../templates.js";
import { text } from "../text.js";

/** Nothing unusual. */
const USUAL = new Set(["end_turn", "stop_sequence"]);

/** @param {import("../events.js").Done} done @returns {HTMLElement | null} */
export function stopNote({ stop_reason, message }) {
  if (!stop_reason || USUAL.has(stop_reason)) return null;
  const known = /** @type {Record<string, string>} */ (text.stopReason);
  const words = known[stop_reason] ?? text.stoppedFor(stop_reason);
  const hint = /** @type {Record<string, string>} */ (text.stopHint)[stop_reason];
  if (!hint) return Object.assign(make("note"), { textContent: words });
  const card = make("stop");
  part(card, "title").textContent = words;
  part(card, "hint").textContent = hint;
  const { category, explanation } = message?.stop_details ?? {};
  const grounds = [/** @type {Record<string, string>} */ (text.refusedFor)[category] ?? category, explanation];
  const said = grounds.filter(Boolean).join(". ");
  part(card, "grounds").textContent = said;
  part(card, "grounds").hidden = said === "";
  return card;
}
