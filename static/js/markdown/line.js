// @ts-check
/** A line and a place in it, counted in columns, since a tab is as wide as it takes to the next multiple of four. Pure. */

export class Line {
  text;
  /** Which line it is, from 1. */
  number;
  #at = 0;
  #column = 0;
  /** A tab of which only some columns were used. */
  #partTab = false;
  #next = 0;
  #nextColumn = 0;

  /** Columns of white space before what comes next. */
  indent = 0;
  /** Nothing else comes. */
  blank = false;

  /** @param {string} text @param {number} number */
  constructor(text, number) {
    this.text = text;
    this.number = number;
    this.#look();
  }

  /** The character after the white space. */
  get next() {
    return this.text.charAt(this.#next);
  }

  /** What comes after the white space. */
  get rest() {
    return this.text.slice(this.#next);
  }

  /** All that is left, white space included. */
  get tail() {
    if (!this.#partTab) return this.text.slice(this.#at);
    return " ".repeat(4 - (this.#column % 4)) + this.text.slice(this.#at + 1);
  }

  /** Past the white space. */
  skipSpace() {
    this.#at = this.#next;
    this.#column = this.#nextColumn;
    this.#partTab = false;
    this.#look();
  }

  /** Past that much white space. @param {number} columns */
  skipColumns(columns) {
    while (columns > 0 && this.#at < this.text.length) {
      const width = this.text[this.#at] === "\t" ? 4 - (this.#column % 4) : 1;
      const step = Math.min(width, columns);
      this.#partTab = step < width;
      if (!this.#partTab) this.#at += 1;
      this.#column += step;
      columns -= step;
    }
    this.#look();
  }

  /** Past one space, if there is one. */
  skipOneSpace() {
    const char = this.text[this.#at];
    if (char === " " || char === "\t") this.skipColumns(1);
  }

  /** Past the white space and that many characters. @param {number} chars */
  skip(chars) {
    this.#at = this.#next + chars;
    this.#column = this.#nextColumn + chars;
    this.#partTab = false;
    this.#look();
  }

  /** To the end. */
  skipAll() {
    this.#at = this.text.length;
    this.#partTab = false;
    this.#look();
  }

  #look() {
    let at = this.#at;
    let column = this.#column;
    for (; at < this.text.length; at += 1) {
      if (this.text[at] === " ") column += 1;
      else if (this.text[at] === "\t") column += 4 - (column % 4);
      else break;
    }
    this.#next = at;
    this.#nextColumn = column;
    this.indent = column - this.#column;
    this.blank = at === this.text.length;
  }
}
