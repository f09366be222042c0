// @ts-check
/**
 * The open conversation on the screen: what the reader asked, what Claude answered, and what can be done with each.
 *
 * What stands there stays: when another branch is chosen, only what differs is drawn anew. A long conversation is drawn
 * from its end, a few messages at a time and the earlier ones when the reader comes near them, so that it is there at
 * once and the page never stops.
 */

import { Answer } from "./answer.js";
import { isOfTheQuestion } from "./events.js";
import { make, part } from "./templates.js";
import { text } from "./text.js";
import { plainText } from "./transcript.js";
import { promptView } from "./prompt.js";

/**
 * @typedef {import("./conversation.js").Conversation} Conversation
 * @typedef {import("./conversations/tree.js").Message} Message
 * @typedef {import("./conversations/tree.js").Prompt} Prompt
 * @typedef {import("./conversations/tree.js").Reply} Reply
 * @typedef {import("./generations.js").Generation} Generation
 */

/** messages that are drawn before the reader goes back to earlier ones: a page of a thousand answers is slow */
const WINDOW = 40;
/** ms that drawing may take at a time */
const SLICE = 8;

/** Endings after which more can be had by asking for it. */
const GOES_ON = new Set(["max_tokens", "cancelled", "abandoned", "pause_turn"]);

export class Thread {
  #log;
  #earlier;
  #follower;
  #generations;
  /** @type {Conversation | null} */
  #conversation = null;
  /** @type {Map<string, HTMLElement>} what is on the screen, by message */
  #elements = new Map();
  #round = 0;
  /** Tells when the reader comes near the earliest message, and goes from what was written here. */
  #seen;

  /** Answer this once more. @type {(reply: Reply) => void} */
  onAgain = () => {};
  /** Choose how to answer it once more. @type {(reply: Reply, opener: HTMLElement) => void} */
  onAgainMenu = () => {};
  /** @type {(prompt: Prompt, text: string) => void} */
  onEdit = () => {};
  /** @type {(message: Message) => void} */
  onChoose = () => {};
  /** Let Claude go on where it was cut off. */
  onContinue = () => {};

  /**
   * @param {HTMLElement} log  the button for earlier messages stands before it
   * @param {import("./scroll.js").Follower} follower
   * @param {import("./generations.js").Generations} generations
   */
  constructor(log, follower, generations) {
    this.#log = log;
    this.#earlier = /** @type {HTMLElement} */ (log.previousElementSibling);
    this.#follower = follower;
    this.#generations = generations;
    const near = { root: log.parentElement, rootMargin: "1500px 0px 0px" };
    this.#seen = new IntersectionObserver((entries) => {
      for (const { target, isIntersecting } of entries) {
        if (target !== this.#earlier) this.#rest(/** @type {HTMLElement} */ (target), isIntersecting);
        else if (isIntersecting) this.drawEarlier();
      }
    }, near);
    this.#earlier.addEventListener("click", () => this.drawEarlier());
    addEventListener("beforeprint", () => this.drawEarlier(Infinity));
  }

  /** @param {Conversation} conversation */
  show(conversation) {
    const another = this.#conversation?.id !== conversation.id;
    if (another) this.clear();
    this.#conversation = conversation;
    this.draw();
    if (!another) return;
    // before a frame shows its beginning, and with it that what came earlier is to be drawn
    if (conversation.path.length > 0) this.#follower.toEnd();
    else this.#follower.toStart();
  }

  clear() {
    this.#round += 1;
    this.#conversation = null;
    this.#elements.clear();
    this.#log.replaceChildren();
  }

  /** Bring the screen up to date. @param {string[]} [anew]  messages to draw anew, whatever stands there */
  draw(anew = []) {
    this.#draw(0, anew);
  }

  /** Draw messages before those that are drawn. @param {number} [count] */
  drawEarlier(count = WINDOW) {
    this.#draw(count, []);
  }

  /** @param {number} earlier  how many more at the beginning @param {string[]} anew */
  #draw(earlier, anew) {
    const whole = this.#conversation?.path ?? [];
    const drawn = whole.findIndex(({ id }) => this.#elements.has(id));
    const from = Math.min(drawn === -1 ? whole.length : drawn, whole.length - WINDOW) - earlier;
    this.#earlier.hidden = from <= 0;
    const path = whole.slice(Math.max(0, from));
    const kept = new Set(path.map(({ id }) => id).filter((id) => !anew.includes(id)));
    for (const [id, element] of this.#elements) {
      if (kept.has(id)) continue;
      element.remove();
      this.#elements.delete(id);
    }
    for (const message of path) this.#branches(message);
    this.#round += 1;
    this.#seen.unobserve(this.#earlier); // while little is drawn yet, the beginning is near the end
    this.#fill(path, this.#round, earlier === Infinity ? Infinity : SLICE);
  }

  /** Let the reader word the last question otherwise. */
  editLast() {
    this.#edit(this.#conversation?.path.findLast(({ role }) => role === "user")?.id);
  }

  /** All of an answer is shown. @param {Generation} generation */
  finish({ reply, answer }) {
    if (this.#elements.get(reply.id) !== answer.view.element) return;
    this.#conclude(reply, answer, true);
    this.#branches(reply);
    this.#seen.observe(answer.view.element);
  }

  // Private

  /** Let the reader word a question otherwise. @param {string | null} [prompt] */
  #edit(prompt) {
    const element = this.#elements.get(prompt ?? "");
    if (element) part(element, "edit").click();
  }

  /** An answer that was written here is laid out no more once it is out of sight. @param {HTMLElement} answer @param {boolean} isNear */
  #rest(answer, isNear) {
    if (isNear) return;
    this.#seen.unobserve(answer);
    answer.dataset.rests = "";
  }

  /** Draw what is missing, the end first. @param {Message[]} path @param {number} round @param {number} slice  ms at a time */
  #fill(path, round, slice) {
    if (round !== this.#round) return; // overtaken
    let complete = true;
    const anchor = this.#log.firstElementChild;
    const before = anchor?.getBoundingClientRect().top ?? 0;
    const began = performance.now();
    let next = /** @type {Element | null} */ (null);
    for (const message of [...path].reverse()) {
      let element = this.#elements.get(message.id);
      if (!element) {
        if (performance.now() - began > slice) {
          complete = false;
          setTimeout(() => this.#fill(path, round, slice));
          break;
        }
        element =
          message.role === "user" ? promptView(message, (words) => this.onEdit(message, words)) : this.#reply(message);
        element.dataset.message = message.id;
        this.#elements.set(message.id, element);
        this.#log.insertBefore(element, next);
        this.#branches(message);
      }
      next = element;
    }
    if (!this.#follower.following && anchor?.isConnected)
      this.#follower.shift(anchor.getBoundingClientRect().top - before);
    if (complete) this.#seen.observe(this.#earlier); // anew: an observer tells of changes only, and it may be near still
  }

  /** @param {Reply} reply */
  #reply(reply) {
    const live = this.#generations.of(reply.id);
    if (live) return live.answer.view.element;
    const answer = new Answer();
    answer.restore(reply.transcript);
    answer.view.settle();
    answer.view.element.dataset.rests = "";
    this.#conclude(reply, answer, false);
    return answer.view.element;
  }

  /** Which of how many this is, where there are several. @param {Message} message */
  #branches(message) {
    const element = this.#elements.get(message.id);
    const place = element && part(element, "branches");
    if (!place || !this.#conversation) return;
    const all = this.#conversation.alternatives(message);
    const at = all.findIndex(({ id }) => id === message.id);
    place.hidden = all.length < 2;
    if (all.length < 2) return place.replaceChildren();
    const words = text.branches(at + 1, all.length);
    if (part(place, "which")?.textContent === words) return;
    const switcher = make("branches");
    part(switcher, "which").textContent = words;
    for (const [name, to] of /** @type {const} */ ([
      ["previous", at - 1],
      ["next", at + 1],
    ])) {
      const button = /** @type {HTMLButtonElement} */ (part(switcher, name));
      const other = all[to];
      button.ariaLabel = button.title = text[message.role === "user" ? "promptBranch" : "answerBranch"][name];
      button.disabled = !other;
      if (other) button.addEventListener("click", () => this.#choose(other, name));
    }
    place.replaceChildren(switcher);
  }

  /** Another branch takes the place of this one; the focus goes on from the same button. @param {Message} other @param {string} button */
  #choose(other, button) {
    this.onChoose(other);
    const element = this.#elements.get(other.id);
    const usable = /** @type {HTMLElement[]} */ ([
      ...(element?.querySelectorAll("[data-part=branches] :enabled") ?? []),
    ]);
    (usable.find(({ dataset }) => dataset.part === button) ?? usable[0])?.focus();
  }

  /**
   * Say below an answer what went wrong, if something did, and what can be done now.
   *
   * @param {Reply} reply
   * @param {Answer} answer
   * @param {boolean} justEnded  a time to wait counts from now on
   */
  #conclude(reply, answer, justEnded) {
    const { unfinished, transcript } = reply;
    /** @param {import("./events.js").Fault} fault @param {string | null} requestId @param {number | null} waitMs */
    const fail = (fault, requestId, waitMs) =>
      answer.view.fail(fault, {
        requestId,
        retryAfterMs: justEnded ? waitMs : null,
        onAgain: () => this.onAgain(reply),
        onEdit: isOfTheQuestion(fault) ? () => this.#edit(reply.parent) : null,
      });
    if (answer.failure) {
      const { error, request_id } = answer.failure;
      fail(error, request_id ?? null, 1000 * (error.retry_after_s ?? 0));
    } else if (unfinished?.kind === "refused") {
      fail(unfinished.fault, unfinished.requestId, unfinished.retryAfterMs);
    } else if (unfinished?.kind === "interrupted") {
      fail({ type: "interrupted", message: "" }, null, null);
    } else if (unfinished?.kind === "stopped") {
      answer.view.note(text.stopReason.cancelled);
    }
    const again = part(answer.view.element, "again-menu");
    again.addEventListener("click", () => this.onAgainMenu(reply, again));
    const { terminal } = transcript;
    const reason = terminal?.type === "done" ? (terminal.stop_reason ?? "") : "";
    const cutOff = unfinished || terminal?.type === "error" || GOES_ON.has(reason);
    // a pause may come before the first word, between tools
    if (cutOff && (answer.words > 0 || reason === "pause_turn")) answer.view.offer(text.goOn, () => this.onContinue());
    if (answer.words === 0) return;
    answer.view.copyable(() => plainText(transcript));
    void answer.verify();
  }
}
