// @ts-check
/**
 * Markdown inside one block, read from left to right.
 *
 * Pure. By the algorithm of https://spec.commonmark.org/0.31.2/#phase-2-inline-structure; strike-through, bare web addresses,
 * footnotes and formulas beside it. Raw HTML does not exist: it is text. The time is linear in the length, whatever the text.
 *
 * A long text is read in stretches, and no span reaches from one into the next. A stretch ends where all that it began has
 * ended, or when it is too long; where that is depends on the text up to there alone. So what comes later does not change
 * it, and a text that grows is read again from the beginning of its last stretch only.
 */

import { Atoms } from "./atoms.js";
import { DEEPEST } from "./block.js";
import { Brackets } from "./brackets.js";
import { Delimiters, flanking } from "./emphasis.js";
import { targetOf } from "./links.js";
import { Cells, collect, depthOf, span } from "./spans.js";

/** @typedef {import("./references.js").References} References */
/** @typedef {import("./spans.js").Span} Span */
/** @typedef {import("./atoms.js").Loose} Loose */

/** characters: no stretch but the last is shorter */
const SHORTEST = 1000;
/** characters: what has no end by then is text */
const LONGEST = 10_000;

const PLAIN = /[^\\`*_~[\]!<&\n$h\ufdd0]+/y;
const AFTER_SPACE = / (?! |\n|$)/;
/** What is not said of what stands before it: for scripts without spaces, and for text that is all signs. */
const SIGN = /[\p{L}\p{N}\\`*_~[\]!<&$]/u;

export class Reader {
  /** Where the next stretch begins. */
  at;
  /** Nothing that comes can change what the last `read` gave. */
  over = false;
  #text;
  #references;
  #atoms;
  /** Where this stretch began. */
  #from = 0;
  #cells = new Cells();
  #delimiters = new Delimiters();
  #brackets = new Brackets();
  /** Where what it begins has to have its end. */
  #limit = 0;
  /** A link has begun whose target is not whole. */
  #begun = false;
  /** @type {Loose[]} */
  #loose = [];

  /** @param {string} text @param {number} from  where a stretch begins @param {References} references @param {import("./atoms.js").Options} options */
  constructor(text, from, references, options) {
    this.#text = text;
    this.at = from;
    this.#references = references;
    this.#atoms = new Atoms(text, from, options);
  }

  /** The next stretch. @returns {Span[]} */
  read() {
    this.#from = this.at;
    this.#limit = this.at + LONGEST;
    this.#atoms.begin(this.#limit);
    this.#begun = this.over = false;
    this.#loose = [];
    this.#cells = new Cells();
    this.#delimiters = new Delimiters();
    this.#brackets = new Brackets();
    while (this.at < this.#text.length && !this.over) this.#one();
    this.#emphasize(null);
    return collect(this.#cells.first);
  }

  /** What began in the last stretch and has no end, in order. @returns {Loose[]} */
  get loose() {
    return [...this.#loose, ...this.#atoms.loose, ...this.#brackets.loose()].sort((a, b) => a.from - b.from);
  }

  // Private

  #one() {
    PLAIN.lastIndex = this.at;
    const plain = PLAIN.exec(this.#text)?.[0] ?? "";
    const end = this.at + plain.length >= this.#from + SHORTEST ? this.#endWithin(plain.length) : -1;
    if (end >= 0) this.over = true;
    if (end >= 0 || plain !== "") return this.#literal(end >= 0 ? end : plain.length);
    const next = this.#text.charAt(this.at + 1);
    switch (this.#text[this.at]) {
      case "\n":
        return this.#newline();
      case "\\":
        return next === "\n" ? this.#newline(true) : this.#atom() || this.#literal();
      case "*":
      case "_":
      case "~":
        return this.#delimiter();
      case "[":
        return this.#atom() || this.#openBracket(false);
      case "!":
        return next === "[" ? this.#openBracket(true) : this.#literal();
      case "]":
        return this.#closeBracket();
      default:
        return this.#atom() || this.#literal();
    }
  }

  /** @param {number} [length] */
  #literal(length = 1) {
    this.#cells.push(span("text", this.#text.slice(this.at, this.at + length)));
    this.at += length;
  }

  #atom() {
    const atom = this.#atoms.scan(this.at);
    if (!atom) return false;
    this.#cells.push(atom.span);
    this.at = atom.end;
    return true;
  }

  /** How much of that much plain text belongs to this stretch, if it ends in it or behind it; otherwise -1. @param {number} length */
  #endWithin(length) {
    if (this.#atoms.grows) return -1;
    const last = this.at + length;
    const whole = !this.#begun && !this.#atoms.begun && this.#brackets.none && this.#delimiters.settle();
    const first = Math.max(this.at, whole ? this.#from + SHORTEST : this.#limit);
    if (first > last) return -1;
    const anywhere = Math.max(first, this.#from + 2 * SHORTEST);
    const word = first + this.#text.slice(first - 1, last + 1).search(AFTER_SPACE);
    if (word >= first && word <= anywhere) return word - this.at;
    const sign = this.#text.slice(anywhere, last + 1).search(SIGN);
    if (sign < 0) return word < first ? -1 : word - this.at;
    return Math.min(anywhere + sign, word < first ? Infinity : word) - this.at;
  }

  /** @param {boolean} [hard]  with a backslash before it */
  #newline(hard = false) {
    const { span: last } = this.#cells.last;
    if (last.type === "text" && !hard) {
      let end = last.text.length;
      while (last.text[end - 1] === " ") end -= 1;
      hard = last.text.length - end >= 2;
      last.text = last.text.slice(0, end);
    }
    this.at = this.#text.indexOf("\n", this.at) + 1;
    this.#cells.push(span(hard ? "break" : "soft"));
    while (this.#text[this.at] === " " || this.#text[this.at] === "\t") this.at += 1;
  }

  #delimiter() {
    const from = this.at;
    const char = /** @type {string} */ (this.#text[from]);
    let length = 1;
    while (this.#text[from + length] === char) length += 1;
    this.#literal(length);
    if (char === "~" && length < 2) return;
    const can = flanking(this.#text, from, length);
    if (can.opens || can.closes) this.#delimiters.push({ char, length, ...can, from, at: this.#cells.last });
  }

  /** @param {boolean} image */
  #openBracket(image) {
    this.#literal(image ? 2 : 1);
    this.#brackets.push({ image, at: this.#cells.last, from: this.at, bottom: this.#delimiters.last });
  }

  #closeBracket() {
    const bracket = this.#brackets.pop();
    if (!bracket || !this.#brackets.lives(bracket) || this.#delimiters.tooDeep) return this.#literal();
    const { image, from, bottom } = bracket;
    const after = this.at + 1;
    const target = targetOf(this.#text, from, this.at, this.#references, this.#limit);
    if ((!target || target.end === after) && /[([]/.test(this.#text.charAt(after))) this.#begun = true;
    if (!target) return this.#literal();
    this.#emphasize(bottom);
    const children = collect(bracket.at.after);
    const depth = depthOf(children);
    if (depth > DEEPEST) {
      this.#delimiters.tooDeep = true;
      return this.#literal();
    }
    this.#cells.cut(bracket.at);
    this.#cells.push(span(image ? "image" : "link", "", { href: target.href, title: target.title, children, depth }));
    if (!image) this.#brackets.link(this.at);
    this.at = target.end;
  }

  /** @param {import("./emphasis.js").Delimiter | null} bottom */
  #emphasize(bottom) {
    for (const { char, length, from } of this.#delimiters.emphasize(bottom))
      this.#loose.push({ mark: char, length, from });
  }
}
