// @ts-check
/**
 * Code that is finished gets its colours, once: the elements stay, their text is divided among spans.
 *
 * highlight.js would make a string of HTML; an emitter of our own keeps its steps instead, and elements come from them.
 */

import { highlighterOf } from "../extras.js";
import { rest } from "./idle.js";

/** characters: so much is coloured without a pause; longer code is divided where a new definition seems to begin */
const SLICE = 8000;

/** @typedef {string | {scope: string} | null} Step  text; a scope begins; one ends */

/** What highlight.js tells, in order. */
class Emitter {
  /** @type {Step[]} */
  steps = [];

  /** @param {string} text */
  addText(text) {
    if (text !== "") this.steps.push(text);
  }

  /** @param {string} scope */
  startScope(scope) {
    this.steps.push({ scope });
  }

  /** @param {string} scope */
  openNode(scope) {
    this.startScope(scope);
  }

  endScope() {
    this.steps.push(null);
  }

  closeNode() {
    this.endScope();
  }

  /** @param {Emitter} inner @param {string} name */
  __addSublanguage(inner, name) {
    for (const step of [{ scope: `language-${name}` }, ...inner.steps, null]) this.steps.push(step);
  }

  finalize() {}

  toHTML() {
    return "";
  }
}

/**
 * @param {HTMLElement} code  its children are parts, each with one text
 * @param {string} written  language, as written behind the fence
 */
export async function color(code, written) {
  const found = await highlighterOf(written);
  if (!found) return;
  const { highlighter, language } = found;
  highlighter.configure({ __emitter: Emitter });
  for (const parts of slices(/** @type {HTMLElement[]} */ ([...code.children]))) {
    await rest();
    const text = parts.map((part) => part.textContent ?? "").join("");
    const { _emitter } = highlighter.highlight(text, { language, ignoreIllegals: true });
    if (_emitter instanceof Emitter) divide(parts, _emitter.steps);
  }
}

/** Parts that are coloured together. @param {HTMLElement[]} parts */
function slices(parts) {
  /** @type {HTMLElement[][]} */
  const all = [];
  let length = SLICE;
  let blankBefore = false;
  for (const part of parts) {
    const text = part.textContent ?? "";
    const definition = blankBefore && /^\S/.test(text);
    if (length >= SLICE * 2 || (length >= SLICE && definition) || all.length === 0) {
      all.push([]);
      length = 0;
    }
    all[all.length - 1]?.push(part);
    length += text.length;
    blankBefore = /\n[ \t]*\n$/.test(text);
  }
  return all;
}

/** @param {HTMLElement[]} parts @param {Step[]} steps */
function divide(parts, steps) {
  let n = 0;
  let room = parts[0]?.textContent?.length ?? 0;
  /** @type {string[]} */
  const scopes = [];
  let into = /** @type {HTMLElement} */ (parts[0]);
  /** @type {Node[]} */
  let fresh = [];
  /** @param {Node} node */
  const put = (node) => (into === parts[n] ? fresh.push(node) : into.append(node));
  /** @param {string} scope */
  const enter = (scope) => {
    const span = document.createElement("span");
    span.className = `hl-${scope.split(".")[0]?.replace(/[^\w-]/g, "_")}`;
    put(span);
    into = span;
  };
  for (const step of steps) {
    if (step === null) {
      scopes.pop();
      into = into === parts[n] ? into : (into.parentElement ?? /** @type {HTMLElement} */ (parts[n]));
    } else if (typeof step === "object") {
      scopes.push(step.scope);
      enter(step.scope);
    } else {
      for (let text = step; text !== ""; ) {
        if (room === 0 && n + 1 < parts.length) {
          parts[n]?.replaceChildren(...fresh);
          fresh = [];
          n += 1;
          into = /** @type {HTMLElement} */ (parts[n]);
          room = into.textContent?.length ?? 0;
          for (const scope of scopes) enter(scope);
        }
        const piece = text.slice(0, room);
        put(new Text(piece));
        text = text.slice(piece.length);
        room -= piece.length;
        if (piece === "") return; // more came back than was given: leave the rest as it is
      }
    }
  }
  parts[n]?.replaceChildren(...fresh);
}
