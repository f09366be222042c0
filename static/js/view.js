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
import { stopNote } from "./faces/stop.js";
import { ThinkingFold } from "./faces/thinking.js";
import { ToolCard } from "./faces/tool.js";
import { rich } from "./selection.js";
import { make, part } from "./templates.js";
import { text } from "./text.js";

/** @typedef {import("./events.js").ChatEvent} ChatEvent */
/** @typedef {import("./connection.js").State} State */

/** @typedef {{element: HTMLElement, kind: string, tool?: ToolCard, thinking?: ThinkingFold}} Shown */

/** One answer, from waiting to done. */
export class AnswerView {
  element = make("answer");
  #body = /** @type {HTMLElement} */ (this.element.querySelector(".answer__body"));
  #waiting = /** @type {HTMLElement} */ (this.element.querySelector(".waiting"));
  #bottom = /** @type {HTMLElement} */ (this.element.querySelector(".foot"));
  #foot = new Foot(this.#bottom);
  #cites = new Cites();
  /** @type {Map<number, Shown>} */
  #blocks = new Map();
  /** @type {Map<string, ToolCard>} by the id of their call */
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
        this.#blocks.get(event.index)?.thinking?.write(event.thinking, event.estimated_tokens ?? 0);
        break;
      case "citation":
        this.#cites.add(event.index, event.citation);
        break;
      case "tool_input":
        this.#blocks.get(event.index)?.tool?.write(event.partial_json);
        break;
      case "tool_use":
        this.#blocks.get(event.index)?.tool?.call(event.input);
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
    this.#waiting.hidden = true; // not removed: rules for neighbours would have all of the answer styled anew
    for (const { tool, thinking } of this.#blocks.values()) {
      tool?.settle();
      thinking?.settle();
    }
  }

  /**
   * @param {import("./events.js").Fault} fault
   * @param {import("./fault.js").How} how
   */
  fail(fault, how) {
    this.#bottom.before(faultCard(fault, how));
  }

  /** The answer has text that can be taken along. @param {() => string} copied */
  copyable(copied) {
    this.#foot.copyable(copied, () =>
      [...this.#body.querySelectorAll(/** @type {"div"} */ (".prose"))].map(rich).join(""),
    );
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
    this.#bottom.before(offer);
  }

  /** @param {string} words */
  note(words) {
    const note = make("note");
    note.textContent = words;
    this.#put(note);
    return note;
  }

  // Private

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
      this.#blocks.set(index, { element, kind });
      return;
    }
    if (kind === "thinking" || kind === "redacted_thinking") {
      const thinking = new ThinkingFold(at_ms);
      this.#put(thinking.element);
      this.#blocks.set(index, { element: thinking.element, kind, thinking });
      return;
    }
    const tool = new ToolCard(name ?? kind);
    if (id) this.#calls.set(id, tool);
    this.#put(tool.element);
    this.#blocks.set(index, { element: tool.element, kind, tool });
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

  /** @param {number} index @param {Record<string, any>} block */
  #whole(index, block) {
    const shown = this.#blocks.get(index);
    if (!shown?.tool) return;
    if (this.#calls.has(block.tool_use_id)) {
      shown.element.remove(); // the result of a call that Claude ran itself belongs into the call's card
      this.#answered({ tool_use_id: block.tool_use_id, content: block.content, is_error: block.is_error === true });
    } else if (/tool_use$/.test(block.type)) shown.tool.call(block.input);
    else shown.tool.hold(block);
  }

  /** @param {number} index @param {number} atMs */
  #stopped(index, atMs) {
    for (const cite of this.#cites.take(index)) this.#prose?.mark(cite);
    // after a break Claude thinks anew, while the text above waits to go on
    this.#blocks.get(index)?.thinking?.end(atMs, this.#breakNote !== null && this.#prose !== null);
  }

  /** @param {{tool_use_id: string, content: any, is_error: boolean}} result */
  #answered({ tool_use_id, content, is_error }) {
    this.#calls.get(tool_use_id)?.answer(content, is_error || /error$/.test(content?.type ?? ""));
  }

  /** @param {{reason: string, attempt: number, discard: number[]}} retry */
  #broke({ reason, attempt, discard }) {
    for (const index of discard ?? []) {
      this.#blocks.get(index)?.thinking?.settle();
      this.#blocks.get(index)?.element.remove();
      this.#blocks.delete(index);
    }
    delete this.element.dataset.begun; // it is waited for again
    const words = text.retry(reason, attempt);
    // one note for a row of vain attempts
    if (this.#breakNote && this.#breakNote === this.#body.lastElementChild) this.#breakNote.textContent = words;
    else this.#breakNote = this.note(words);
  }

  /** The text goes on in new model text: the note moves into the text, as a mark. */
  #joined() {
    this.element.dataset.begun = "";
    this.#breakNote?.remove();
    this.#breakNote = null;
    const seam = make("seam");
    seam.title = text.seam;
    seam.setAttribute("aria-label", text.seam);
    this.#prose?.mark(seam);
  }

  /** @param {import("./events.js").Done} done */
  #done(done) {
    const note = stopNote(done);
    if (note) this.#put(note);
    this.#foot.tell(this.#model, done);
  }
}
