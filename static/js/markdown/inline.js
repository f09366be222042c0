// @ts-check
/**
 * Markdown inside one block: text in, a tree of spans out.
 *
 * Pure. Emphasis and links by the delimiter algorithm of https://spec.commonmark.org/0.31.2/#phase-2-inline-structure;
 * strike-through, bare web addresses and formulas beside it. Raw HTML does not exist: it is text.
 */

import { scanEntity } from "./entities.js";
import { normalizeLabel, scanDestination, scanLabel, scanTitle, skipSpace } from "./references.js";

/** @typedef {import("./references.js").References} References */

/**
 * @typedef {object} Span
 * @property {"text" | "code" | "math" | "em" | "strong" | "del" | "link" | "image" | "soft" | "break" | "mark"} type
 * @property {string} text  of text, code and formulas; a mark's number
 * @property {Span[]} children
 * @property {string} [href]
 * @property {string} [title]
 * @property {boolean} [display]  a formula on its own
 */

/** @typedef {{mark: string, length: number, from: number}} Loose  an opening mark that nothing closes */
/** @typedef {{math?: boolean, bare?: boolean}} Options  formulas; bare web addresses */

/** @typedef {{char: string, length: number, opens: boolean, closes: boolean, original: number, from: number, at: Cell}} Delimiter */
/** @typedef {{image: boolean, at: Cell, from: number, bottom: number, active: boolean}} Bracket */

/** A span in a chain, so that emphasis can be put around what stands there already. */
class Cell {
  /** @type {Cell | null} */
  before = null;
  /** @type {Cell | null} */
  after = null;
  /** @param {Span} span */
  constructor(span) {
    this.span = span;
  }
}

/** @param {Span["type"]} type @param {string} [text] @param {Partial<Span>} [rest] @returns {Span} */
const span = (type, text = "", rest = {}) => ({ type, text, children: [], ...rest });

const PLAIN = /[^\\`*_~[\]!<&\n$h\ufdd0]+/y;
const CODE = /`+/y;
const AUTOLINK = /<([A-Za-z][A-Za-z0-9+.-]{1,31}:[^\s<>]*)>/y;
const MAIL =
  /<([a-zA-Z0-9.!#$%&'*+/=?^_`{|}~-]+@[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?(?:\.[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?)*)>/y;
const BARE = /https?:\/\/[^\s<>]+/y;
/** A mark counts as punctuation, so that emphasis ends before it as it would at the end of a sentence. */
const PUNCTUATION = /^[\p{P}\p{S}\ufdd0\ufdd1]$/u;
const MARK = /\ufdd0(\d+)\ufdd1/y;
const ESCAPABLE = /^[!-/:-@[-`{-~]$/;

class Parser {
  #text;
  #references;
  #options;
  #at = 0;
  #head = new Cell(span("text"));
  #tail = this.#head;
  /** @type {Delimiter[]} */
  #delimiters = [];
  /** @type {Bracket[]} */
  #brackets = [];
  /** Lengths of backtick runs that nothing closes any more, so that they are not searched again. @type {Map<number, number>} */
  #unclosed = new Map();

  /** Ends of formulas that do not come any more. @type {Set<string>} */
  #missing = new Set();

  /** @param {string} text @param {References} references @param {Options} options */
  constructor(text, references, options) {
    this.#text = text;
    this.#references = references;
    this.#options = options;
  }

  /** @returns {Span[]} */
  parse() {
    while (this.#at < this.#text.length) this.#one();
    for (const { image, from } of this.#brackets)
      this.loose.push({ mark: image ? "![" : "[", length: 1, from: from - 1 });
    this.#emphasize(0);
    return collect(this.#head.after);
  }

  /** Where something begins that nothing ends. @type {Loose[]} */
  loose = [];

  /** @param {Span} what @returns {Cell} */
  #push(what) {
    const cell = new Cell(what);
    cell.before = this.#tail;
    this.#tail.after = cell;
    this.#tail = cell;
    return cell;
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
        return this.#openBracket(false);
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
    if (!this.#text.startsWith(open, this.#at) || this.#missing.has(close)) return false;
    const end = this.#text.indexOf(close, this.#at + 2);
    if (end < 0) this.#missing.add(close);
    const inside = this.#text.slice(this.#at + 2, end);
    if (end < 0 || inside.trim() === "") return false;
    this.#push(span("math", inside.trim(), { display: open !== "\\(" }));
    this.#at = end + 2;
    return true;
  }

  /** @param {boolean} [hard] */
  #newline(hard = false) {
    const { span: last } = this.#tail;
    if (last.type === "text" && !hard) {
      const trimmed = last.text.replace(/ +$/, "");
      hard = last.text.length - trimmed.length >= 2;
      last.text = trimmed;
    }
    this.#push(span(hard ? "break" : "soft"));
    this.#at += 1;
    while (this.#text[this.#at] === " " || this.#text[this.#at] === "\t") this.#at += 1;
  }

  #code() {
    const run = /** @type {RegExpExecArray} */ (this.#match(CODE))[0];
    const from = this.#at + run.length;
    if ((this.#unclosed.get(run.length) ?? Number.POSITIVE_INFINITY) > from) {
      for (let at = this.#text.indexOf(run, from); at >= 0; at = this.#text.indexOf(run, at)) {
        CODE.lastIndex = at;
        const found = /** @type {RegExpExecArray} */ (CODE.exec(this.#text))[0];
        if (found.length !== run.length) {
          at += found.length;
          continue;
        }
        let text = this.#text.slice(from, at).replaceAll("\n", " ");
        if (/^ .*[^ ].* $|^ [^ ] $/s.test(text)) text = text.slice(1, -1);
        this.#push(span("code", text));
        this.#at = at + run.length;
        return;
      }
      this.#unclosed.set(run.length, from);
    }
    this.loose.push({ mark: "`", length: run.length, from: this.#at });
    this.#literal(run.length);
  }

  #entity() {
    const entity = scanEntity(this.#text, this.#at);
    if (!entity) return this.#literal();
    this.#push(span("text", entity.value));
    this.#at += entity.length;
  }

  #autolink() {
    const link = this.#match(AUTOLINK);
    const mail = link ? null : this.#match(MAIL);
    const match = link ?? mail;
    if (!match) return this.#literal();
    const [all, address = ""] = match;
    this.#push(
      span("link", "", { href: mail ? `mailto:${address}` : address, title: "", children: [span("text", address)] }),
    );
    this.#at += all.length;
  }

  #mark() {
    const match = this.#match(MARK);
    if (!match) return this.#literal();
    this.#push(span("mark", match[1]));
    this.#at += match[0].length;
  }

  #bare() {
    const match = this.#options.bare ? this.#match(BARE) : null;
    if (!match || /\w/.test(this.#text[this.#at - 1] ?? "")) return this.#literal();
    let address = match[0];
    for (let before = ""; before !== address; ) {
      before = address;
      address = address.replace(/[?!.,:;'"*_~`]+$/, "");
      if (address.endsWith(")") && count(address, ")") > count(address, "(")) address = address.slice(0, -1);
      if (address.endsWith("]") && count(address, "]") > count(address, "[")) address = address.slice(0, -1);
    }
    if (!/^https?:\/\/[^\s/?#]+/.test(address)) return this.#literal();
    this.#push(span("link", "", { href: address, title: "", children: [span("text", address)] }));
    this.#at += address.length;
  }

  #delimiter() {
    const char = /** @type {string} */ (this.#text[this.#at]);
    let end = this.#at;
    while (this.#text[end] === char) end += 1;
    const length = end - this.#at;
    const before = characterBefore(this.#text, this.#at);
    const after =
      this.#text.codePointAt(end) === undefined
        ? " "
        : String.fromCodePoint(/** @type {number} */ (this.#text.codePointAt(end)));
    const spaceBefore = /\s/.test(before);
    const spaceAfter = /\s/.test(after);
    const punctuationBefore = PUNCTUATION.test(before);
    const punctuationAfter = PUNCTUATION.test(after);
    const left = !spaceAfter && (!punctuationAfter || spaceBefore || punctuationBefore);
    const right = !spaceBefore && (!punctuationBefore || spaceAfter || punctuationAfter);
    const inWord = char === "_";
    const opens = left && (!inWord || !right || punctuationBefore);
    const closes = right && (!inWord || !left || punctuationAfter);
    this.#literal(length);
    if (char === "~" && length < 2) return;
    if (opens || closes)
      this.#delimiters.push({ char, length, original: length, opens, closes, from: end - length, at: this.#tail });
  }

  /** @param {boolean} image */
  #openBracket(image) {
    this.#literal(image ? 2 : 1);
    this.#brackets.push({ image, at: this.#tail, from: this.#at, bottom: this.#delimiters.length, active: true });
  }

  #closeBracket() {
    const bracket = this.#brackets.pop();
    if (!bracket) return this.#literal();
    if (!bracket.active) return this.#literal();
    const target = this.#inlineTarget(this.#at + 1) ?? this.#referenceTarget(bracket);
    if (!target) return this.#literal();
    this.#emphasize(bracket.bottom);
    const children = collect(bracket.at.after);
    this.#tail = /** @type {Cell} */ (bracket.at.before);
    this.#tail.after = null;
    this.#push(span(bracket.image ? "image" : "link", "", { href: target.href, title: target.title, children }));
    this.#at = target.end;
    // no link inside a link
    if (!bracket.image) for (const outer of this.#brackets) if (!outer.image) outer.active = false;
  }

  /** `(destination "title")` @param {number} at @returns {{href: string, title: string, end: number} | null} */
  #inlineTarget(at) {
    const text = this.#text;
    if (text[at] !== "(") return null;
    let end = skipSpace(text, at + 1);
    const destination = scanDestination(text, end);
    if (!destination) return null;
    let title = "";
    end = skipSpace(text, destination.end);
    if (end > destination.end && text[end] !== ")") {
      const found = scanTitle(text, end);
      if (!found) return null;
      title = found.title;
      end = skipSpace(text, found.end);
    }
    return text[end] === ")" ? { href: destination.href, title, end: end + 1 } : null;
  }

  /** @param {Bracket} bracket @returns {{href: string, title: string, end: number} | null} */
  #referenceTarget(bracket) {
    const after = scanLabel(this.#text, this.#at + 1);
    const inside = this.#text.slice(bracket.from, this.#at);
    const label =
      after && after.label !== "" ? after.label : inside.length < 1000 && !/(?<!\\)\[/.test(inside) ? inside : "";
    const found = this.#references.get(normalizeLabel(label));
    if (!found || label.trim() === "") return null;
    return { ...found, end: after ? after.end : this.#at + 1 };
  }

  /** Turn delimiters above `bottom` into emphasis. @param {number} bottom */
  #emphasize(bottom) {
    const delimiters = this.#delimiters;
    /** @type {Map<string, number>} below which no opener of this kind was found */
    const floor = new Map();
    for (let n = bottom; n < delimiters.length; ) {
      const closer = /** @type {Delimiter} */ (delimiters[n]);
      if (!closer.closes) {
        n += 1;
        continue;
      }
      const kind = `${closer.char}${closer.opens}${closer.original % 3}`;
      const lowest = Math.max(bottom, floor.get(kind) ?? 0);
      let m = n - 1;
      for (; m >= lowest; m -= 1) if (pairs(/** @type {Delimiter} */ (delimiters[m]), closer)) break;
      if (m < lowest) {
        floor.set(kind, n);
        if (closer.opens) n += 1;
        else delimiters.splice(n, 1);
        continue;
      }
      const opener = /** @type {Delimiter} */ (delimiters[m]);
      this.#wrap(opener, closer);
      delimiters.splice(m + 1, n - m - 1);
      n = m + 1;
      if (opener.length === 0) {
        delimiters.splice(m, 1);
        n -= 1;
      }
      if (closer.length === 0) delimiters.splice(n, 1);
      for (const [key, value] of floor) floor.set(key, Math.min(value, n));
    }
    for (const { char, length, opens, from } of delimiters.slice(bottom)) {
      if (opens) this.loose.push({ mark: char, length, from });
    }
    delimiters.length = bottom;
  }

  /** @param {Delimiter} opener @param {Delimiter} closer */
  #wrap(opener, closer) {
    const used = opener.length >= 2 && closer.length >= 2 ? 2 : 1;
    for (const end of [opener, closer]) {
      end.length -= used;
      end.at.span.text = end.at.span.text.slice(used);
    }
    const type = opener.char === "~" ? "del" : used === 2 ? "strong" : "em";
    const first = opener.at.after;
    const last = /** @type {Cell} */ (closer.at.before);
    const wrapped = new Cell(span(type));
    if (first && first !== closer.at) {
      last.after = null;
      wrapped.span.children = collect(first);
    }
    wrapped.before = opener.at;
    wrapped.after = closer.at;
    opener.at.after = wrapped;
    closer.at.before = wrapped;
  }
}

/** @param {Delimiter} opener @param {Delimiter} closer */
function pairs(opener, closer) {
  if (!opener.opens || opener.char !== closer.char) return false;
  if (opener.char === "~") return opener.length >= 2 && closer.length >= 2;
  const both = opener.closes || closer.opens;
  return !(
    both &&
    (opener.original + closer.original) % 3 === 0 &&
    (opener.original % 3 !== 0 || closer.original % 3 !== 0)
  );
}

/** @param {Cell | null} cell @returns {Span[]} with neighbouring texts joined */
function collect(cell) {
  /** @type {Span[]} */
  const spans = [];
  for (; cell; cell = cell.after) {
    const last = spans[spans.length - 1];
    if (cell.span.type !== "text") spans.push(cell.span);
    else if (cell.span.text === "") continue;
    else if (last?.type === "text") last.text += cell.span.text;
    else spans.push({ ...cell.span });
  }
  return spans;
}

/** @param {string} text @param {number} at */
function characterBefore(text, at) {
  if (at === 0) return " ";
  const low = text.charCodeAt(at - 1);
  return low >= 0xdc00 && low < 0xe000 ? text.slice(at - 2, at) : /** @type {string} */ (text[at - 1]);
}

/** @param {string} text @param {string} char */
function count(text, char) {
  return text.split(char).length - 1;
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
