// @ts-check
/** A call and its result as a card: name, a line of input, state; opened, all of it. */

import { make, part } from "../templates.js";
import { text } from "../text.js";
import { resultNodes, shownJson } from "./result.js";

/** @typedef {"writing" | "running" | "done" | "failed"} State */

/** characters of the input in the closed card */
const LINE = 120;

export class ToolCard {
  element = make("tool");
  #written = "";

  /** @param {string} name */
  constructor(name) {
    const known = /** @type {Record<string, string>} */ (text.blocks);
    part(this.element, "name").textContent = known[name] ?? name;
    part(this.element, "name").toggleAttribute("data-known", name in known);
    part(this.element, "inputTitle").textContent = text.tool.input;
    part(this.element, "resultTitle").textContent = text.tool.result;
    this.state = "writing";
  }

  /** @param {State} state */
  set state(state) {
    this.element.dataset.state = state;
    part(this.element, "state").textContent = text.tool[state];
  }

  /** A piece of the input, as it is written: not JSON yet. @param {string} piece */
  write(piece) {
    this.#written += piece;
    const input = part(this.element, "input");
    input.parentElement?.removeAttribute("hidden");
    input.append(piece);
  }

  /** The whole input; null when Claude was cut off inside it. @param {unknown} input */
  call(input) {
    if (input !== null) this.#say(input);
    this.state = input === null ? "failed" : "running";
  }

  /** A block that is no call: all there is of it. @param {Record<string, any>} block */
  hold(block) {
    const { type: _, ...rest } = block;
    this.#say(rest);
    this.state = "done";
  }

  /** @param {unknown} content @param {boolean} failed */
  answer(content, failed) {
    const result = part(this.element, "result");
    part(this.element, "resultBox").hidden = false;
    result.replaceChildren(...resultNodes(content));
    this.state = failed ? "failed" : "done";
  }

  /** Nothing more comes. */
  settle() {
    const { state } = this.element.dataset;
    if (state === "writing" || state === "running") this.state = "failed";
  }

  /** @param {unknown} input */
  #say(input) {
    const empty = typeof input === "object" && input !== null && Object.keys(input).length === 0;
    const box = part(this.element, "input");
    box.parentElement?.toggleAttribute("hidden", empty);
    box.textContent = shownJson(input);
    part(this.element, "line").textContent = inputLine(input);
  }
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
