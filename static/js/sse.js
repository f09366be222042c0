// @ts-check
/**
 * text/event-stream: bytes in, frames out.
 *
 * Pure: no network, no clock. The rules are the standard's (https://html.spec.whatwg.org/multipage/
 * server-sent-events.html#event-stream-interpretation), in two small machines: bytes → lines → frames.
 *
 *   bytes  one TextDecoder for the whole connection, because a chunk may end inside a character
 *   lines  end with LF, CR or CRLF, and with nothing else (not U+2028); a chunk may end between CR and LF
 *   frames end with a blank line, whatever the chunking; a frame without data is not a frame; what is
 *          unfinished when the connection ends is dropped, because nobody knows what it would have become
 *
 * Differs from the standard in one point: a frame says which id it carried itself (`id: null` when none),
 * so that a reader can tell "seen again" from "no id".
 */

/**
 * @typedef {object} Frame
 * @property {string | null} id  the id line of this very frame
 * @property {string} event  "message" unless the frame names another
 * @property {string} data  its data lines, joined by LF
 */

/** More than any one event can be (the gateway bounds a whole generation to 16 MiB): a limit against a runaway. */
const MAX_FRAME_CHARS = 32 * 1024 * 1024;

/** A frame outgrew the limit: the other side does not speak our language. */
export class FrameTooLargeError extends Error {}

/** Splits text into lines; keeps what is not a whole line yet. */
class Lines {
  /** @type {string[]} parts of the unfinished line; joined once, since adding to one string per chunk is O(n²) */
  #parts = [];
  #afterCR = false;
  /** How many characters wait for the end of their line. */
  pending = 0;

  /**
   * @param {string} text
   * @returns {string[]}
   */
  feed(text) {
    if (text === "") return [];
    const lines = [];
    let start = this.#afterCR && text[0] === "\n" ? 1 : 0;
    this.#afterCR = text.endsWith("\r");
    const ends = /\r\n|\n|\r/g;
    ends.lastIndex = start;
    for (let end = ends.exec(text); end !== null; end = ends.exec(text)) {
      this.#parts.push(text.slice(start, end.index));
      lines.push(this.#parts.join(""));
      this.#parts = [];
      this.pending = 0;
      start = ends.lastIndex;
    }
    if (start < text.length) {
      this.#parts.push(text.slice(start));
      this.pending += text.length - start;
    }
    return lines;
  }
}

/** One connection's decoder. Make a new one for each connection. */
export class Decoder {
  #text = new TextDecoder("utf-8"); // drops a leading BOM; a broken sequence becomes U+FFFD, as in a browser
  #lines = new Lines();
  #maxFrameChars;
  /** @type {string[]} */
  #data = [];
  #dataChars = 0;
  #event = "";
  /** @type {string | null} */
  #id = null;

  /** @type {number | null} how long the server asks to wait before reconnecting, in ms */
  retryMs = null;

  /** @param {{maxFrameChars?: number}} [limits] */
  constructor({ maxFrameChars = MAX_FRAME_CHARS } = {}) {
    this.#maxFrameChars = maxFrameChars;
  }

  /**
   * The frames that `chunk` completed, oldest first (often none).
   *
   * @param {Uint8Array} chunk
   * @returns {Frame[]}
   * @throws {FrameTooLargeError} when an unfinished frame grows beyond the limit
   */
  feed(chunk) {
    /** @type {Frame[]} */
    const frames = [];
    for (const line of this.#lines.feed(this.#text.decode(chunk, { stream: true }))) {
      const frame = this.#take(line);
      if (frame) frames.push(frame);
    }
    const waiting = this.#dataChars + this.#lines.pending;
    if (waiting > this.#maxFrameChars) {
      throw new FrameTooLargeError(`a frame has ${waiting} characters, limit ${this.#maxFrameChars}`);
    }
    return frames;
  }

  /**
   * @param {string} line
   * @returns {Frame | null}
   */
  #take(line) {
    if (line === "") return this.#dispatch();
    const colon = line.indexOf(":");
    if (colon === 0) return null; // a comment: sign of life, nothing to say
    const field = colon < 0 ? line : line.slice(0, colon);
    let value = colon < 0 ? "" : line.slice(colon + 1);
    if (value.startsWith(" ")) value = value.slice(1); // one space, no more
    switch (field) {
      case "data":
        this.#data.push(value);
        this.#dataChars += value.length + 1;
        break;
      case "event":
        this.#event = value;
        break;
      case "id":
        if (!value.includes("\0")) this.#id = value;
        break;
      case "retry":
        if (/^[0-9]+$/.test(value)) this.retryMs = Number(value);
        break;
    }
    return null;
  }

  /** @returns {Frame | null} */
  #dispatch() {
    const frame =
      this.#data.length > 0 ? { id: this.#id, event: this.#event || "message", data: this.#data.join("\n") } : null;
    this.#data = [];
    this.#dataChars = 0;
    this.#event = "";
    this.#id = null;
    return frame;
  }
}
