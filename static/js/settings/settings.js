// @ts-check
/** What the reader has set, what the gateway offers, and the two together: what a request says. */

import { prefer, preference } from "../preferences.js";
import { DEFAULTS, frame, parameters, parseOptions } from "./options.js";

/** @typedef {import("./models.js").Model} Model */
/** @typedef {import("./options.js").Config} Config */
/** @typedef {import("./options.js").Options} Options */

export class Settings {
  options = parseOptions(preference("options"));
  /** @type {Config | null} null until the gateway has told */
  config = null;
  /** @type {Model[]} best first; empty while they are not known */
  models = [];
  onChange = () => {};

  /** @param {Partial<Options>} changed */
  set(changed) {
    this.options = { ...this.options, ...changed };
    prefer("options", JSON.stringify(this.options));
    this.onChange();
  }

  reset() {
    this.set({ ...DEFAULTS, model: this.options.model });
  }

  /** @param {{config?: Config, models?: Model[]}} offered */
  offer({ config = this.config ?? undefined, models = this.models }) {
    this.config = config ?? null;
    this.models = models;
    this.onChange();
  }

  /** The model that will answer: the chosen one, or the gateway's first. @returns {Model | null} */
  get model() {
    return this.models.find(({ id }) => id === this.options.model) ?? this.models[0] ?? null;
  }

  /** Something is other than it was at first; the model, which stands beside the text field, aside. */
  get changed() {
    const { model: _, ...options } = this.options;
    const { model: __, ...defaults } = DEFAULTS;
    return JSON.stringify(options) !== JSON.stringify(defaults);
  }

  /** System prompt and tools, for a conversation that begins now. */
  frame() {
    return frame(this.options, this.config);
  }

  /** Everything else, for one question. */
  parameters() {
    return parameters(this.options, this.model, this.config);
  }
}
