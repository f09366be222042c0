// @ts-check
/** What means the same wherever it stands: escapes, entities, code, formulas, addresses, marks, numbers of footnotes. Pure. */

import { scanAutolink, scanBare } from "./addresses.js";
import { scanEntity } from "./entities.js";
import { span } from "./spans.js";
import { Backticks, Formulas } from "./verbatim.js";

/** @typedef {import("./spans.js").Span} Span */
/** @typedef {{span: Span, end: number}} Atom */

/** @typedef {{mark: string, length: number, from: number}} Loose  an opening mark that nothing closes */

/**
 * @typedef {object} Options
 * @property {boolean} [math]  formulas
 * @property {boolean} [bare]  bare web addresses
 * @property {Set<string>} [notes]  labels of the footnotes that there are
 * @property {boolean} [growing]  more text comes, and with it perhaps the footnote that a number refers to
 */

const MARK = /\ufdd0(\d+)\ufdd1/y;
const NOTE = /\[\^([^\s[\]\\^]{1,60})\]/y;
const HALF_LINK = /<[^\s<>]*$/y;
const HALF_ADDRESS = /h(?:t(?:t(?:p(?:s?(?::(?:\/(?:\/(?:[^\s<>/?#][^\s<>]*)?)?)?)?)?)?)?)?$/y;
const HALF_NOTE = /\[\^?[^\s[\]\\^]{0,60}$/y;
const HALF_ENTITY = /&#?\w{0,32}$/y;
const ESCAPABLE = /^[!-/:-@[-`{-~]$/;

export class Atoms {
  /** What the text ends in may be the beginning of an address, an entity or a number. */
  grows = false;
  /** In this stretch code or a formula has begun that has no end yet. */
  begun = false;
  /** Code of this stretch that has no end. @type {Loose[]} */
  loose = [];
  #limit = Infinity;
  #text;
  #options;
  #backticks;
  #formulas;

  /** @param {string} text @param {number} from  where it is read from, to its right @param {Options} options */
  constructor(text, from, options) {
    this.#text = text;
    this.#options = options;
    this.#backticks = new Backticks(text, from);
    this.#formulas = new Formulas(text);
  }

  /** A new stretch begins. @param {number} limit  where its code and formulas have to have their end */
  begin(limit) {
    this.#limit = limit;
    this.begun = false;
    this.loose = [];
  }

  /** The one that begins at `at`. @param {number} at @returns {Atom | null} */
  scan(at) {
    switch (this.#text[at]) {
      case "\\":
        return this.#escaped(at);
      case "`":
        return this.#code(at);
      case "$":
        return this.#formula(at, "$$", "$$");
      case "[":
        return this.#note(at);
      case "<":
        return this.#autolink(at);
      case "&":
        return this.#entity(at);
      case "h":
        return this.#bare(at);
      case "\ufdd0":
        return this.#mark(at);
      default:
        return null;
    }
  }

  /** @param {number} at @returns {Atom | null} */
  #escaped(at) {
    const next = this.#text.charAt(at + 1);
    const formula = next === "(" || next === "[" ? this.#formula(at, `\\${next}`, next === "(" ? "\\)" : "\\]") : null;
    if (formula) return formula;
    return ESCAPABLE.test(next) ? { span: span("text", next), end: at + 2 } : null;
  }

  /** @param {number} at @returns {Atom} */
  #code(at) {
    const { text, length } = this.#backticks.scan(at, this.#limit);
    const end = at + length;
    if (text !== null) return { span: span("code", text), end };
    this.loose.push({ mark: "`", length, from: at });
    this.begun = true;
    return { span: span("text", this.#text.slice(at, end)), end };
  }

  /** @param {number} at @param {string} open @param {string} close @returns {Atom | null} */
  #formula(at, open, close) {
    if (!this.#options.math || !this.#text.startsWith(open, at)) return null;
    const found = this.#formulas.scan(at, close, this.#limit);
    if (found) return { span: span("math", found.text, { display: open !== "\\(" }), end: found.end };
    this.begun = true;
    return null;
  }

  /** @param {number} at @returns {Atom | null} */
  #note(at) {
    const { notes, growing } = this.#options;
    const match = notes ? this.#match(NOTE, at) : null;
    const label = match?.[1] ?? "";
    this.grows ||= this.#match(HALF_NOTE, at) !== null;
    if (!match || !(notes?.has(label) || (growing && /^\d+$/.test(label)))) return null;
    return { span: span("note", label), end: at + match[0].length };
  }

  /** @param {number} at @returns {Atom | null} */
  #autolink(at) {
    const found = scanAutolink(this.#text, at);
    if (found) return { span: link(found.href, found.address), end: at + found.length };
    this.grows ||= this.#match(HALF_LINK, at) !== null;
    return null;
  }

  /** @param {number} at @returns {Atom | null} */
  #bare(at) {
    this.grows ||= this.#match(HALF_ADDRESS, at) !== null;
    const address = this.#options.bare ? scanBare(this.#text, at) : null;
    return address === null ? null : { span: link(address, address), end: at + address.length };
  }

  /** @param {number} at @returns {Atom | null} */
  #entity(at) {
    const entity = scanEntity(this.#text, at);
    if (entity) return { span: span("text", entity.value), end: at + entity.length };
    this.grows ||= this.#match(HALF_ENTITY, at) !== null;
    return null;
  }

  /** @param {number} at @returns {Atom | null} */
  #mark(at) {
    const match = this.#match(MARK, at);
    return match && { span: span("mark", match[1]), end: at + match[0].length };
  }

  /** @param {RegExp} sticky @param {number} at @returns {RegExpExecArray | null} */
  #match(sticky, at) {
    sticky.lastIndex = at;
    return sticky.exec(this.#text);
  }
}

/** @param {string} href @param {string} words */
const link = (href, words) => span("link", "", { href, title: "", children: [span("text", words)], depth: 1 });
