// @ts-check
/**
 * Follow the end of the conversation, but only for a reader who is there.
 *
 * Whoever scrolls up stays where they are, at once and however little it was; whoever comes back near the end is followed
 * again. Our own scrolling also causes scroll events: they are known by the position we set.
 */

/** px: upward movement that says "let me read" */
const LETS_GO = 3;
/** px from the end that count as being there */
const NEAR = 60;
/** what changes its height when it is clicked */
const FOLDS = "summary, [aria-pressed], [aria-expanded]:not([aria-haspopup])";

export class Follower {
  #scroller;
  #expected = -1;
  #last = 0;
  #folded = false; // since the last layout

  /** The reader is at the end and is taken along; not before there is something to follow (see `toEnd`). */
  following = false;
  /** `following` is another. */
  onChange = () => {};

  /** @param {HTMLElement} scroller */
  constructor(scroller) {
    this.#scroller = scroller;
    scroller.addEventListener("scroll", () => this.#scrolled(), { passive: true });
    scroller.addEventListener("click", ({ target }) => this.#fold(/** @type {Element} */ (target)));
    // The end moves when something is written, a keyboard opens, the composer grows, what came into view gets its real
    // height. Told after layout, before paint: nothing here makes the browser lay out the page once more.
    const observer = new ResizeObserver(() => this.#follow());
    for (const element of [scroller, ...scroller.children]) observer.observe(element);
  }

  /** Go to the end and stay there (the reader sent something, or asked for it). */
  toEnd() {
    this.#set(true);
    this.#follow();
  }

  /** Go to the beginning: there is nothing to follow yet. */
  toStart() {
    this.#set(false);
    this.#scroller.scrollTop = 0;
  }

  /** Something above has grown: stay with what is being read. @param {number} px */
  shift(px) {
    if (Math.abs(px) < 1) return;
    this.#expected = this.#scroller.scrollTop + px;
    this.#scroller.scrollTop = this.#expected;
  }

  /** What is opened or closed stays where it is, and the end moves: the reader is not there. @param {Element} target */
  #fold(target) {
    if (!target.closest(FOLDS)) return;
    this.#folded = true;
    this.#set(false);
  }

  /** Go along, if the reader is at the end. */
  #follow() {
    if (!this.following && !this.#folded) return;
    const { scrollTop, scrollHeight, clientHeight } = this.#scroller;
    const end = scrollHeight - clientHeight;
    if (this.#folded && end - scrollTop < LETS_GO) this.#set(true); // there, after all
    this.#folded = false;
    if (!this.following) return;
    this.#expected = end;
    this.#scroller.scrollTop = end;
  }

  #scrolled() {
    const { scrollTop, scrollHeight, clientHeight } = this.#scroller;
    const before = this.#last;
    this.#last = scrollTop;
    if (Math.abs(scrollTop - this.#expected) < 1) return; // ours
    const left = scrollHeight - clientHeight - scrollTop;
    if (this.following && scrollTop < before - LETS_GO && left > LETS_GO) this.#set(false);
    else if (!this.following && left < NEAR && scrollTop > before) this.#set(true);
  }

  /** @param {boolean} following */
  #set(following) {
    if (this.following === following) return;
    this.following = following;
    this.#expected = -1; // whoever comes back may do so to the very place that was set last
    // what comes into view gets its real height: a reader stays with what is being read, one at the end with the end
    this.#scroller.dataset.following = String(following);
    this.onChange();
  }
}
