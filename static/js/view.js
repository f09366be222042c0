// @ts-check
/**
 * The only module that touches messages: events in, elements out.
 *
 * What the model says reaches the page as text nodes only. An answer is append-only: what stands there is not rewritten,
 * so a selection survives and nothing flickers. Elements come from the <template>s of index.html.
 */

import { Prose } from "./markdown/prose.js";
import { Cites } from "./cites.js";
import { faultCard } from "./fault.js";
import { Foot } from "./foot.js";
import { make, part } from "./templates.js";
import { text } from "./text.js";

/** @typedef {import("./events.js").ChatEvent} ChatEvent */
/** @typedef {import("./connection.js").State} State */

/** @typedef {{element: HTMLElement, kind: string, startMs: number}} Shown */

/** One answer, from waiting to done. */
export class AnswerView {
  element = make("answer");
  #body = /** @type {HTMLElement} */ (this.element.querySelector(".answer__body"));
  #waiting = /** @type {HTMLElement} */ (this.element.querySelector(".waiting"));
  #foot = new Foot(/** @type {HTMLElement} */ (this.element.querySelector(".foot")));
  #cites = new Cites();
  /** @type {Map<number, Shown>} */
  #blocks = new Map();
  /** @type {Map<string, HTMLElement>} tool cards by the id of their call */
  #calls = new Map();
  /** @type {Prose | null} where text goes on */
  #prose = null;
  #proseIndex = -1;
  /** @type {HTMLElement | null} the note of a break, until the text goes on */
  #breakNote = null;
  #model = "";

  constructor() {
    this.element.setAttribute("aria-label", text.answerBy(""));
    this.state = "connecting";
  }

  /** How the connection is; shown while the answer is not complete. @param {State} state */
  set state(state) {
    this.element.dataset.state = state;
    part(this.#waiting, "state").textContent = text.state[state];
  }

  /** @param {ChatEvent} event */
  show(event) {
    switch (event.type) {
      case "start":
        this.#model = event.model;
        this.element.setAttribute("aria-label", text.answerBy(event.model));
        break;
      case "block_start":
        this.#begin(event);
        break;
      case "text":
        this.#write(event.index, event.text);
        break;
      case "thinking":
        part(this.#at(event.index), "text").append(event.thinking);
        break;
      case "citation":
        this.#cites.add(event.index, event.citation);
        break;
      case "tool_input":
        part(this.#at(event.index), "input")?.append(event.partial_json);
        break;
      case "tool_use":
        this.#called(event.index, event.input);
        break;
      case "block":
        this.#whole(event.index, event.block);
        break;
      case "block_stop":
        this.#stopped(event.index, event.at_ms);
        break;
      case "tool_result":
        this.#answered(event);
        break;
      case "retry":
        this.#broke(event);
        break;
      case "seam":
        this.#joined();
        break;
      case "done":
        this.#done(event);
        break;
    }
  }

  /** Bring the text up to date: once after any number of events. */
  draw() {
    this.#prose?.draw();
  }

  /** Nothing more comes. */
  settle() {
    this.#prose?.end();
    this.element.setAttribute("aria-busy", "false");
    this.element.dataset.state = "settled";
    this.#waiting.remove();
    for (const { element } of this.#blocks.values()) {
      if (element.dataset.state === "writing" || element.dataset.state === "running") this.#mark(element, "failed");
    }
  }

  /**
   * @param {import("./events.js").Fault} fault
   * @param {import("./fault.js").How} how
   */
  fail(fault, how) {
    this.element.append(faultCard(fault, how));
  }

  /** The answer has text that can be taken along. @param {() => string} copied */
  copyable(copied) {
    this.#foot.copyable(copied);
  }

  /** @param {boolean} intact  the checksum is right */
  verify(intact) {
    if (!intact) return void this.note(text.damaged);
    this.#foot.verified();
  }

  /** Something to do next. @param {string} label @param {() => void} onClick */
  offer(label, onClick) {
    const offer = make("offer");
    const button = /** @type {HTMLButtonElement} */ (offer.firstElementChild);
    button.textContent = label;
    button.addEventListener("click", () => {
      offer.remove();
      onClick();
    });
    this.element.append(offer);
  }

  /** @param {string} words */
  note(words) {
    const note = make("note");
    note.textContent = words;
    this.#put(note);
    return note;
  }

  // Private

  /** @param {number} index @returns {HTMLElement} */
  #at(index) {
    return this.#blocks.get(index)?.element ?? this.#body;
  }

  /** @param {HTMLElement} element */
  #put(element) {
    this.#body.append(element);
  }

  /** @param {{index: number, kind: string, at_ms: number, id?: string, name?: string}} block */
  #begin({ index, kind, at_ms, id, name }) {
    this.element.dataset.begun = "";
    if (kind === "text") {
      // Claude splits a text at its citations; for the reader it is one text
      const goesOn = this.#blocks.get(index - 1)?.kind === "text" && this.#proseIndex === index - 1;
      const element = goesOn && this.#prose ? this.#prose.element : this.#newProse();
      this.#proseIndex = index;
      this.#blocks.set(index, { element, kind, startMs: at_ms });
      return;
    }
    let element;
    if (kind === "thinking" || kind === "redacted_thinking") {
      element = make("thinking");
      element.dataset.state = "thinking";
      part(element, "title").textContent = text.thinking;
    } else {
      element = make("tool");
      part(element, "name").textContent = name ?? kind;
      this.#mark(element, "writing");
      if (id) this.#calls.set(id, element);
    }
    this.#put(element);
    this.#blocks.set(index, { element, kind, startMs: at_ms });
  }

  #newProse() {
    this.#prose?.end();
    const element = document.createElement("div");
    element.className = "prose";
    this.#put(element);
    this.#prose = new Prose(element);
    return element;
  }

  /** @param {number} index @param {string} piece */
  #write(index, piece) {
    if (this.#prose === null || this.#proseIndex !== index) return;
    this.#prose.push(piece);
  }

  /** @param {HTMLElement} element @param {"writing" | "running" | "done" | "failed"} state */
  #mark(element, state) {
    element.dataset.state = state;
    part(element, "state").textContent = text.tool[state];
  }

  /** @param {number} index @param {unknown} input */
  #called(index, input) {
    const card = this.#at(index);
    if (input === null) return this.#mark(card, "failed");
    part(card, "input").textContent = JSON.stringify(input, null, 2);
    this.#mark(card, "running");
  }

  /** @param {number} index @param {Record<string, any>} block */
  #whole(index, block) {
    const shown = this.#blocks.get(index);
    if (!shown || shown.kind === "redacted_thinking" || shown.kind === "text") return;
    const call = this.#calls.get(block.tool_use_id);
    if (call) {
      shown.element.remove(); // the result of a call that Claude ran itself belongs into the call's card
      this.#answered({ tool_use_id: block.tool_use_id, content: block.content, is_error: false });
      return;
    }
    part(shown.element, "input").textContent = JSON.stringify(block.input ?? block, null, 2);
    if (/tool_use$/.test(block.type)) this.#mark(shown.element, "running");
    else this.#mark(shown.element, "done");
  }

  /** @param {number} index @param {number} atMs */
  #stopped(index, atMs) {
    for (const cite of this.#cites.take(index)) this.#prose?.mark(cite);
    const shown = this.#blocks.get(index);
    if (!shown?.element.classList.contains("thinking")) return;
    shown.element.dataset.state = "thought";
    // after a break Claude thinks anew, while the text above waits to go on
    const words = this.#breakNote && this.#prose ? text.thoughtAgain : text.thought;
    part(shown.element, "title").textContent = words(atMs - shown.startMs);
    const said = part(shown.element, "text");
    if (!said.hasChildNodes()) said.textContent = text.thoughtHidden;
  }

  /** @param {{tool_use_id: string, content: any, is_error: boolean}} result */
  #answered({ tool_use_id, content, is_error }) {
    const card = this.#calls.get(tool_use_id);
    if (!card) return;
    const result = part(card, "result");
    result.hidden = false;
    result.textContent = typeof content === "string" ? content : JSON.stringify(content, null, 2);
    const failed = is_error || /error$/.test(content?.type ?? "");
    this.#mark(card, failed ? "failed" : "done");
  }

  /** @param {{reason: string, attempt: number, discard: number[]}} retry */
  #broke({ reason, attempt, discard }) {
    for (const index of discard ?? []) {
      this.#blocks.get(index)?.element.remove();
      this.#blocks.delete(index);
    }
    const words = text.retry(reason, attempt);
    // one note for a row of vain attempts
    if (this.#breakNote && this.#breakNote === this.#body.lastElementChild) this.#breakNote.textContent = words;
    else this.#breakNote = this.note(words);
  }

  /** The text goes on in new model text: the note moves into the text, as a mark. */
  #joined() {
    this.#breakNote?.remove();
    this.#breakNote = null;
    const seam = make("seam");
    seam.title = text.seam;
    seam.setAttribute("aria-label", text.seam);
    this.#prose?.mark(seam);
  }

  /** @param {import("./events.js").Done} done */
  #done(done) {
    const why = /** @type {Record<string, string>} */ (text.stopReason)[done.stop_reason ?? ""];
    if (why) this.note(why);
    this.#foot.tell(this.#model, done);
  }
}
