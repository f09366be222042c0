// @ts-check
/** What a tool is given, as the card of its call shows it. Pure. */

import { shownJson } from "./result.js";

/** characters of the input in the closed card */
const LINE = 120;

/**
 * The input as it is read: texts of several lines are set apart, with their line ends, from the JSON of the rest.
 *
 * @param {unknown} input
 * @returns {{json: string, texts: [name: string, words: string][]}}
 */
export function inputParts(input) {
  if (typeof input !== "object" || input === null || Array.isArray(input)) return { json: shownJson(input), texts: [] };
  const texts = Object.entries(input).filter(
    ([name, value]) => typeof value === "string" && value.includes("\n") && !name.startsWith("encrypted_"),
  );
  const rest = { ...input, ...Object.fromEntries(texts.map(([name]) => [name, undefined])) }; // which JSON leaves out
  const json = shownJson(rest);
  return { json: texts.length > 0 && json === "{}" ? "" : json, texts };
}

/**
 * The input in a line: a single value speaks for itself, several have names.
 *
 * @param {unknown} input
 * @returns {string}
 */
export function inputLine(input) {
  if (typeof input !== "object" || input === null) return "";
  const plain = Object.entries(input).filter(
    ([name, value]) => ["string", "number", "boolean"].includes(typeof value) && !name.startsWith("encrypted_"),
  );
  const words = plain.map(([name, value]) => (plain.length === 1 ? String(value) : `${name}: ${value}`));
  const line = words.join(", ").replaceAll(/\s+/g, " ");
  return line.length > LINE ? `${line.slice(0, LINE - 1)}…` : line;
}
