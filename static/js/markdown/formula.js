// @ts-check
/** Formulas as KaTeX sets them, built from elements. Where that fails they stay as they were written. */

import { katex } from "../extras.js";

/** em: no formula makes a page of itself */
const LARGEST = 20;

/** @param {HTMLElement} element  holds the formula as it was written @param {boolean} display */
export async function typeset(element, display) {
  const setter = await katex();
  if (!setter) return;
  try {
    const tex = element.textContent ?? "";
    const tree = setter.__renderToDomTree(tex, { displayMode: display, strict: "ignore", maxSize: LARGEST });
    holdStyles(tree);
    const node = /** @type {HTMLElement} */ (tree.toNode());
    applyStyles(node);
    element.replaceChildren(node);
    element.dataset.set = "";
  } catch {
    // not a formula that KaTeX knows
  }
}

/**
 * A `style` attribute is an inline style, which the page's policy refuses; a property of `style` is not.
 *
 * @param {{attributes?: Record<string, string>, children?: any[]}} tree
 */
function holdStyles({ attributes, children }) {
  if (attributes?.style) {
    attributes["data-style"] = attributes.style;
    delete attributes.style;
  }
  for (const child of children ?? []) holdStyles(child);
}

/** @param {HTMLElement} root */
function applyStyles(root) {
  for (const element of root.querySelectorAll("[data-style]")) {
    const { style, dataset } = /** @type {HTMLElement} */ (element);
    style.cssText = dataset.style ?? "";
    delete dataset.style;
  }
}
