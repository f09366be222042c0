// @ts-check
/** The page's <template>s, which are the only place where its elements come from. */

/** @param {string} id @returns {HTMLElement} a fresh copy of a template's element */
export function make(id) {
  const template = /** @type {HTMLTemplateElement} */ (document.getElementById(id));
  return /** @type {HTMLElement} */ (/** @type {Element} */ (template.content.firstElementChild).cloneNode(true));
}

/** @param {ParentNode} root @param {string} name @returns {HTMLElement} */
export function part(root, name) {
  return /** @type {HTMLElement} */ (root.querySelector(`[data-part=${name}]`));
}
