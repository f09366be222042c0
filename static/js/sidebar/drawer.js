// @ts-check
/** Where the sidebar stands: beside the page where there is room, and can be put away; else in a drawer over it. */

import { prefer, preference } from "../preferences.js";
import { part } from "../templates.js";
import { text } from "../text.js";

/** As in sidebar.css */
const ROOMY = matchMedia("(min-width: 60rem)");

export class Drawer {
  #sidebar;
  #dialog;
  #button;

  /**
   * @param {HTMLElement} sidebar
   * @param {HTMLDialogElement} dialog  where it stands on a narrow screen
   * @param {HTMLElement} button  opens and closes it
   */
  constructor(sidebar, dialog, button) {
    this.#sidebar = sidebar;
    this.#dialog = dialog;
    this.#button = button;
    button.addEventListener("click", () => this.toggle());
    part(sidebar, "close").addEventListener("click", () => this.close());
    dialog.addEventListener("click", ({ target }) => target === dialog && dialog.close()); // beside it
    dialog.addEventListener("keydown", (event) => event.key === "Escape" && event.stopPropagation()); // stops no answer
    dialog.addEventListener("close", () => this.#say());
    ROOMY.addEventListener("change", () => this.#place());
    this.#place();
  }

  toggle() {
    if (!ROOMY.matches) this.#dialog.showModal();
    else {
      const next = this.#open ? "closed" : "open";
      document.body.dataset.sidebar = next;
      prefer("sidebar", next);
    }
    this.#say();
  }

  /** Search from wherever the focus is. */
  search() {
    if (!this.#open) this.toggle();
    part(this.#sidebar, "search").focus();
  }

  /** The reader has found what the drawer was opened for. */
  close() {
    this.#dialog.close();
  }

  get #open() {
    return ROOMY.matches ? document.body.dataset.sidebar === "open" : this.#dialog.open;
  }

  #place() {
    this.#dialog.close();
    if (ROOMY.matches) document.body.prepend(this.#sidebar);
    else this.#dialog.append(this.#sidebar);
    document.body.dataset.sidebar = preference("sidebar") === "closed" ? "closed" : "open";
    this.#say();
  }

  #say() {
    this.#button.ariaExpanded = String(this.#open);
    this.#button.ariaLabel = this.#button.title = this.#open ? text.sidebar.close : text.sidebar.open;
  }
}
