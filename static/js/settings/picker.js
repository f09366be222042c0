// @ts-check
/** The choice of a model, beside the text field. What a model cannot take stands with it, and it cannot be chosen. */

import { text } from "../text.js";
import { cannotTake } from "./models.js";

/** @typedef {import("./models.js").Needs} Needs */
/** @typedef {import("./settings.js").Settings} Settings */

export class ModelPicker {
  #select;
  #settings;
  /** @type {Needs} */
  #needs = { images: false, pdfs: false };

  /** @param {HTMLSelectElement} select @param {Settings} settings */
  constructor(select, settings) {
    this.#select = select;
    this.#settings = settings;
    select.addEventListener("change", () => settings.set({ model: select.value }));
    this.draw();
  }

  /** What the draft brings along. @param {Needs} needs */
  set needs(needs) {
    if (needs.images === this.#needs.images && needs.pdfs === this.#needs.pdfs) return;
    this.#needs = needs;
    this.draw();
  }

  /** Why the chosen model cannot answer the draft, if so. @returns {string | null} */
  get objection() {
    const { model } = this.#settings;
    const reason = model && cannotTake(model, this.#needs);
    return model && reason ? text.objection(model.display_name ?? model.id, text.cannot[reason]) : null;
  }

  draw() {
    const { models, model: chosen } = this.#settings;
    this.#select.disabled = models.length === 0;
    if (models.length === 0) return this.#select.replaceChildren(new Option(text.gatewaysModel, ""));
    this.#select.replaceChildren(
      ...models.map((model) => {
        const name = model.display_name ?? model.id;
        const reason = cannotTake(model, this.#needs);
        const option = new Option(reason ? text.unable(name, text.cannot[reason]) : name, model.id);
        option.disabled = reason !== null;
        option.selected = model === chosen;
        return option;
      }),
    );
  }
}
