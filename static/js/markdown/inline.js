// @ts-check
/**
 * Markdown inside one block: text in, a tree of spans out.
 *
 * Pure. By the algorithm of https://spec.commonmark.org/0.31.2/#phase-2-inline-structure; strike-through, bare web addresses,
 * footnotes and formulas beside it. Raw HTML does not exist: it is text. The time is linear in the length, whatever the text.
 */

import { scanAutolink, scanBare } from "./addresses.js";
import { DEEPEST } from "./block.js";
import { Delimiters, flanking } from "./emphasis.js";
import { scanEntity } from "./entities.js";
import { inlineTarget, referenceTarget } from "./links.js";
import { Cell, collect, depthOf, span } from "./spans.js";
import { Backticks, Formulas } from "./verbatim.js";

/** @typedef {import("./references.js").References} References */
/** @typedef {import("./spans.js").Span} Span */

/** @typedef {{mark: string, length: number, from: number}} Loose  an opening mark that nothing closes */

/**
 * @typedef {object} Options
 * @property {boolean} [math]  formulas
 * @property {boolean} [bare]  bare web addresses
 * @property {Set<string>} [notes]  labels of the footnotes that there are
 * @property {boolean} [growing]  more text comes, and with it perhaps the footnote that a number refers to
 */

/** @typedef {{image: boolean, at: Cell, from: number, bottom: import("./emphasis.js").Delimiter | null}} Bracket */

const PLAIN = /[^\\`*_~[\]!<&\n$h\ufdd0]+/y;
const MARK = /\ufdd0(\d+)\ufdd1/y;
const NOTE = /\[\^([^\s[\]\\^]{1,60})\]/y;
const ESCAPABLE = /^[!-/:-@[-`{-~]$/;

class Parser {
  /** Where something begins that nothing ends. @type {Loose[]} */
  loose = [];
  #text;
  #references;
  #options;
  #at = 0;
  #head = new Cell(span("text"));
  #tail = this.#head;
  #delimiters = new Delimiters();
  /** @type {Bracket[]} */
  #brackets = [];
  /** No link inside a link: brackets below this index are text. */
  #spent = 0;
  #backticks;
  #formulas;

  /** @param {string} text @param {References} references @param {Options} options */
  constructor(text, references, options) {
    this.#text = text;
    this.#backticks = new Backticks(text);
    this.#formulas = new Formulas(text);
    this.#references = references;
    this.#options = options;
  }

  /** @returns {Span[]} */
  parse() {
    while (this.#at < this.#text.length) this.#one();
    for (const { image, from } of this.#brackets)
      this.loose.push({ mark: image ? "![" : "[", length: 1, from: from - 1 });
    this.#emphasize(null);
    return collect(this.#head.after);
  }

  /** @param {Span} what */
  #push(what) {
    const cell = new Cell(what);
    cell.before = this.#tail;
    this.#tail.after = cell;
    this.#tail = cell;
  }

  /** @param {number} [length] */
  #literal(length = 1) {
    this.#push(span("text", this.#text.slice(this.#at, this.#at + length)));
    this.#at += length;
  }

  /** @param {RegExp} sticky @returns {RegExpExecArray | null} */
  #match(sticky) {
    sticky.lastIndex = this.#at;
    return sticky.exec(this.#text);
  }

  #one() {
    const plain = this.#match(PLAIN);
    if (plain) return this.#literal(plain[0].length);
    switch (this.#text[this.#at]) {
      case "\\":
        return this.#escape();
      case "`":
        return this.#code();
      case "*":
      case "_":
      case "~":
        return this.#delimiter();
      case "[":
        return this.#note() ? undefined : this.#openBracket(false);
      case "!":
        return this.#text[this.#at + 1] === "[" ? this.#openBracket(true) : this.#literal();
      case "]":
        return this.#closeBracket();
      case "<":
        return this.#autolink();
      case "&":
        return this.#entity();
      case "\n":
        return this.#newline();
      case "\ufdd0":
        return this.#mark();
      case "$":
        return this.#options.math && this.#formula("$$", "$$") ? undefined : this.#literal();
      default:
        return this.#bare();
    }
  }

  #escape() {
    const next = this.#text[this.#at + 1] ?? "";
    if (next === "\n") {
      this.#at += 1;
      return this.#newline(true);
    }
    if (this.#options.math && (next === "(" || next === "[")) {
      if (this.#formula(`\\${next}`, next === "(" ? "\\)" : "\\]")) return;
    }
    if (!ESCAPABLE.test(next)) return this.#literal();
    this.#push(span("text", next));
    this.#at += 2;
  }

  /** @param {string} open @param {string} close */
  #formula(open, close) {
    const found = this.#formulas.scan(this.#at, open, close);
    if (!found) return false;
    this.#push(span("math", found.text, { display: open !== "\\(" }));
    this.#at = found.end;
    return true;
  }

  /** @param {boolean} [hard] */
  #newline(hard = false) {
    const { span: last } = this.#tail;
    if (last.type === "text" && !hard) {
      let end = last.text.length;
      while (last.text[end - 1] === " ") end -= 1;
      hard = last.text.length - end >= 2;
      last.text = last.text.slice(0, end);
    }
    this.#push(span(hard ? "break" : "soft"));
    this.#at += 1;
    while (this.#text[this.#at] === " " || this.#text[this.#at] === "\t") this.#at += 1;
  }

  #code() {
    const found = this.#backticks.scan(this.#at);
    if (found.text === null) {
      this.loose.push({ mark: "`", length: found.length, from: this.#at });
      return this.#literal(found.length);
    }
    this.#push(span("code", found.text));
    this.#at += found.length;
  }

  #entity() {
    const entity = scanEntity(this.#text, this.#at);
    if (!entity) return this.#literal();
    this.#push(span("text", entity.value));
    this.#at += entity.length;
  }

  #autolink() {
    const found = scanAutolink(this.#text, this.#at);
    if (!found) return this.#literal();
    this.#link(found.href, found.address);
    this.#at += found.length;
  }

  #bare() {
    const address = this.#options.bare ? scanBare(this.#text, this.#at) : null;
    if (address === null) return this.#literal();
    this.#link(address, address);
    this.#at += address.length;
  }

  /** @param {string} href @param {string} words */
  #link(href, words) {
    this.#push(span("link", "", { href, title: "", children: [span("text", words)], depth: 1 }));
  }

  #mark() {
    const match = this.#match(MARK);
    if (!match) return this.#literal();
    this.#push(span("mark", match[1]));
    this.#at += match[0].length;
  }

  #note() {
    const { notes, growing } = this.#options;
    const match = notes ? this.#match(NOTE) : null;
    const label = match?.[1] ?? "";
    if (!match || !(notes?.has(label) || (growing && /^\d+$/.test(label)))) return false;
    this.#push(span("note", label));
    this.#at += match[0].length;
    return true;
  }

  #delimiter() {
    const from = this.#at;
    const char = /** @type {string} */ (this.#text[from]);
    let length = 1;
    while (this.#text[from + length] === char) length += 1;
    this.#literal(length);
    if (char === "~" && length < 2) return;
    const can = flanking(this.#text, from, length);
    if (can.opens || can.closes) this.#delimiters.push({ char, length, ...can, from, at: this.#tail });
  }

  /** @param {boolean} image */
  #openBracket(image) {
    this.#literal(image ? 2 : 1);
    this.#brackets.push({ image, at: this.#tail, from: this.#at, bottom: this.#delimiters.last });
  }

  #closeBracket() {
    const bracket = this.#brackets.pop();
    if (!bracket) return this.#literal();
    const spent = !bracket.image && this.#brackets.length < this.#spent;
    this.#spent = Math.min(this.#spent, this.#brackets.length);
    if (spent || this.#delimiters.tooDeep) return this.#literal();
    const target =
      inlineTarget(this.#text, this.#at + 1) ?? referenceTarget(this.#text, bracket.from, this.#at, this.#references);
    if (!target) return this.#literal();
    const { href, title, end } = target;
    this.#emphasize(bracket.bottom);
    const children = collect(bracket.at.after);
    const depth = depthOf(children);
    if (depth > DEEPEST) {
      this.#delimiters.tooDeep = true;
      return this.#literal();
    }
    this.#tail = /** @type {Cell} */ (bracket.at.before);
    this.#tail.after = null;
    this.#push(span(bracket.image ? "image" : "link", "", { href, title, children, depth }));
    this.#at = end;
    if (!bracket.image) this.#spent = this.#brackets.length;
  }

  /** @param {import("./emphasis.js").Delimiter | null} bottom */
  #emphasize(bottom) {
    for (const { char, length, from } of this.#delimiters.emphasize(bottom))
      this.loose.push({ mark: char, length, from });
  }
}

/**
 * @param {string} text
 * @param {References} references
 * @param {Options} [options]
 * @returns {Span[]}
 */
export function parseInline(text, references, options = { math: true, bare: true }) {
  return new Parser(text, references, options).parse();
}

/**
 * What is begun in `text` and not ended, in order: for a text that is still being written.
 *
 * @param {string} text
 * @returns {Loose[]}
 */
export function looseEnds(text) {
  const parser = new Parser(text, new Map(), { math: true, bare: true });
  parser.parse();
  return parser.loose.sort((a, b) => a.from - b.from);
}
