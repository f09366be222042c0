// @ts-check
/** One menu for the whole page: a popover beside the button that opened it. */

import { make, part } from "./templates.js";

/** @typedef {{label: string, icon?: string, checked?: boolean, grave?: boolean, onChoose: () => void}} Item */

/** px between the menu and its button, and the edge of the window */
const GAP = 4;
const EDGE = 8;

export class Menu {
  #element;
  /** @type {HTMLElement | null} */
  #opener = null;

  /** @param {HTMLElement} element  popover, role=menu */
  constructor(element) {
    this.#element = element;
    element.addEventListener("keydown", (event) => this.#key(event));
    element.addEventListener("toggle", (event) => {
      const opened = /** @type {ToggleEvent} */ (event).newState === "open";
      this.#opener?.setAttribute("aria-expanded", String(opened));
      if (!opened && element.contains(document.activeElement)) this.#opener?.focus();
    });
    addEventListener("resize", () => element.hidePopover());
  }

  /** @param {HTMLElement} opener @param {string} label @param {Item[]} items */
  open(opener, label, items) {
    const wasOpen = this.#element.matches(":popover-open") && this.#opener === opener;
    this.#element.hidePopover();
    if (wasOpen) return;
    this.#opener = opener;
    this.#element.setAttribute("aria-label", label);
    this.#element.replaceChildren(...items.map((item) => this.#item(item)));
    (opener.closest("dialog") ?? document.body).append(this.#element); // beside an open dialog nothing can be used
    this.#element.showPopover();
    this.#place(opener.getBoundingClientRect());
    this.#items[0]?.focus({ preventScroll: true });
  }

  get #items() {
    return /** @type {HTMLElement[]} */ ([...this.#element.children]);
  }

  /** @param {Item} item */
  #item({ label, icon, checked, grave = false, onChoose }) {
    const button = make("menu-item");
    part(button, "label").textContent = label;
    const use = button.querySelector("use");
    if (icon) use?.setAttribute("href", `#icon-${icon}`);
    else use?.remove(); // its place stays, so that all labels begin in one line
    if (checked !== undefined) {
      button.role = "menuitemradio";
      button.ariaChecked = String(checked);
    }
    button.classList.toggle("menu__item--grave", grave);
    button.addEventListener("click", () => {
      this.#element.hidePopover();
      onChoose();
    });
    return button;
  }

  /** Below its button, or above where there is more room; inside the window. @param {DOMRect} at */
  #place(at) {
    const { style, offsetWidth: width, offsetHeight: height } = this.#element;
    const { clientWidth, clientHeight } = document.documentElement;
    const below = at.bottom + GAP;
    const top = below + height + EDGE <= clientHeight ? below : Math.max(EDGE, at.top - GAP - height);
    const start = getComputedStyle(this.#element).direction === "rtl" ? at.right - width : at.left;
    style.insetBlockStart = `${top}px`;
    style.left = `${Math.max(EDGE, Math.min(start, clientWidth - width - EDGE))}px`;
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    const items = this.#items;
    const at = items.indexOf(/** @type {HTMLElement} */ (document.activeElement));
    const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: -1 }[event.key];
    if (event.key === "Tab") this.#element.hidePopover();
    if (event.key === "Escape") event.stopPropagation(); // closes the menu, and does not stop an answer
    if (to === undefined) return;
    event.preventDefault();
    items.at(to % items.length)?.focus();
  }
}
