// @ts-check
/** A call and its result as a card: name, a line of input, state; opened, all of it. */

import { make, part } from "../templates.js";
import { text } from "../text.js";
import { inputLine, inputParts } from "./input.js";
import { resultNodes } from "./result.js";

/** @typedef {"writing" | "running" | "done" | "failed"} State */

/** Icons of Claude's own tools, where the usual one says less. @type {Record<string, string>} */
const ICONS = {
  web_search: "search",
  web_fetch: "globe",
  tool_search_tool_regex: "search",
  tool_search_tool_bm25: "search",
};

export class ToolCard {
  element = make("tool");

  /** @param {string} name */
  constructor(name) {
    const known = /** @type {Record<string, string>} */ (text.blocks);
    part(this.element, "name").textContent = known[name] ?? name;
    part(this.element, "name").toggleAttribute("data-known", name in known);
    if (ICONS[name]) this.element.querySelector("use")?.setAttribute("href", `#icon-${ICONS[name]}`);
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
    const { json, texts } = inputParts(input);
    box.textContent = json;
    for (const [name, words] of texts) {
      box.append(Object.assign(document.createElement("span"), { className: "tool__key", textContent: name }), words);
    }
    part(this.element, "line").textContent = inputLine(input);
  }
}
