// @ts-check
/** The chain of open blocks, outermost first: what is opened, closed, and tried. Pure. */

import { block, holds, withoutBlankEnd } from "./block.js";
import { cutReferences } from "./references.js";

/** @typedef {import("./block.js").Block} Block */
/** @typedef {import("./references.js").References} References */

export class Chain {
  /** @type {Block[]} */
  open = [block("document", 0)];
  /** @type {References} */
  references = new Map();
  /** A copy, for one line that may still grow. */
  trial = false;

  /** A copy to try one line on: closed blocks are shared, open ones are not. @returns {Chain} */
  fork() {
    const copy = new Chain();
    copy.trial = true;
    copy.references = new Map(this.references);
    copy.open = this.open.map((open) => ({ ...open, tried: true, children: open.children.slice() }));
    for (let n = 1; n < copy.open.length; n += 1) {
      const parent = /** @type {Block} */ (copy.open[n - 1]);
      parent.children[parent.children.length - 1] = /** @type {Block} */ (copy.open[n]);
    }
    return copy;
  }

  /** The innermost open block. @returns {Block} */
  get tip() {
    return /** @type {Block} */ (this.open[this.open.length - 1]);
  }

  /** Every open block has this line. @param {number} number */
  touch(number) {
    for (const open of this.open) open.to = number;
  }

  /** @param {Block} child @returns {Block} */
  push(child) {
    let parent = this.tip;
    while (!holds(parent, child)) {
      this.close();
      parent = this.tip;
    }
    child.tried = this.trial;
    const before = parent.children[parent.children.length - 1];
    if (before && child.from > before.to + 1) this.#loosen(parent);
    parent.children.push(child);
    this.open.push(child);
    return child;
  }

  /** Close the innermost. */
  close() {
    const closed = /** @type {Block} */ (this.open.pop());
    closed.open = false;
    if (closed.type === "paragraph") {
      closed.text = cutReferences(closed.text, this.references).trimEnd();
      if (closed.text === "") this.open[this.open.length - 1]?.children.pop();
    } else if (closed.type === "code" && closed.fence === undefined && !this.trial) {
      closed.lines.length = withoutBlankEnd(closed.lines);
    }
  }

  /** @param {Block} container */
  closeBelow(container) {
    while (this.tip !== container && this.open.includes(container)) this.close();
  }

  /** A blank line between two items, or between two blocks of an item, makes the list loose. @param {Block} parent */
  #loosen(parent) {
    const list = parent.type === "list" ? parent : this.open[this.open.indexOf(parent) - 1];
    if (list?.type === "list" && (parent.type === "list" || parent.type === "item")) list.loose = true;
  }
}
