// @ts-check
/**
 * Blocks by the dozen. With every frame in which an answer grows, the browser lays out and paints what holds the new words,
 * and asks each thing beside it whether it has changed. In a long answer that is a thousand blocks, or some sixty sections.
 */

/** blocks from which on a section may end */
const MANY = 16;
/** What stands apart from what is before it by a margin alone; all others look at their neighbours. */
const BEGINS = "p, h3, h4, h5, h6";
const HEADS = "h3, h4, h5, h6";
const NAME = "prose__section";

/** Put a block behind all others. @param {HTMLElement} prose @param {HTMLElement} block */
export function append(prose, block) {
  let section = prose.lastElementChild;
  if (!section || isFull(section, block)) {
    section = document.createElement("div");
    section.className = NAME;
    prose.append(section);
  }
  section.append(block);
}

/** @param {Element} section @param {HTMLElement} next */
function isFull(section, next) {
  return section.childElementCount >= MANY && next.matches(BEGINS) && !section.lastElementChild?.matches(HEADS);
}

/** Take a block away, the last of an answer or one within another. @param {HTMLElement} block */
export function remove(block) {
  const around = block.parentElement;
  block.remove();
  if (around?.className === NAME && !around.hasChildNodes()) around.remove();
}
