// @ts-check
/** The settings, in a dialog. Every change holds at once. What the chosen model cannot do stands there with the reason. */

import { prefer, preference } from "../preferences.js";
import { part } from "../templates.js";
import { language, LANGUAGES, speak, text } from "../text.js";
import { cannotThink, cannotTry, EFFORTS, THINKINGS, usualThinking } from "./models.js";

/** @typedef {import("./models.js").Reason} Reason */
/** @typedef {import("../session.js").Session} Session */
/** @typedef {import("./settings.js").Settings} Settings */

export class SettingsPanel {
  #dialog;
  #form;
  #settings;
  /** The reader wants to see the shortcuts. */
  onShortcuts = () => {};

  /** @param {HTMLDialogElement} dialog @param {Settings} settings @param {Session} session */
  constructor(dialog, settings, session) {
    this.#dialog = dialog;
    this.#form = /** @type {HTMLFormElement} */ (dialog.querySelector("form"));
    this.#settings = settings;
    this.#form.addEventListener("change", ({ target }) => this.#changed(/** @type {HTMLInputElement} */ (target)));
    this.#form.addEventListener("keydown", (event) => {
      // the form's button closes the dialog, and Enter in a field would press it
      if (event.key === "Enter" && event.target instanceof HTMLInputElement) event.preventDefault();
    });
    part(dialog, "reset").addEventListener("click", () => {
      settings.reset();
      this.#draw();
    });
    part(dialog, "signOut").addEventListener("click", () => void session.signOut());
    part(dialog, "shortcuts").addEventListener("click", () => {
      dialog.close();
      this.onShortcuts();
    });
  }

  open() {
    this.#draw();
    this.#dialog.showModal();
  }

  // Private

  /** @param {string} name @returns {any} */
  #field(name) {
    return this.#form.elements.namedItem(name);
  }

  #draw() {
    const { options, config, model } = this.#settings;
    const effortReason = (/** @type {import("./models.js").Effort} */ effort) => model && cannotTry(model, effort);
    this.#choices(
      "effort",
      [["", text.modelsOwn, null], ...EFFORTS.map((one) => this.#choice(one, text.efforts[one], effortReason(one)))],
      options.effort ?? "",
    );
    this.#choices(
      "thinking",
      THINKINGS.map((one) => this.#choice(one, text.thinkings[one], model && cannotThink(model, one, options.effort))),
      options.thinking ?? (model ? usualThinking(model) : "shown"),
    );
    const most = Math.min(config?.max_tokens ?? Infinity, model?.max_tokens ?? Infinity);
    const length = this.#field("maxTokens");
    length.value = options.maxTokens ?? "";
    length.max = Number.isFinite(most) ? most : "";
    length.placeholder = config?.default_max_tokens ?? "";
    const hint = config ? text.maxTokensHint(config.default_max_tokens, most) : "";
    part(this.#form, "maxTokensHint").textContent = hint;
    this.#field("system").value = options.system;
    this.#drawTools();
    part(this.#form, "who").hidden = !config?.signed_in;
    part(this.#form, "signOut").hidden = config?.auth === "proxy"; // which signs in again by itself
    part(this.#form, "user").textContent = config?.user ? text.signIn.as(config.user) : "";
    this.#choices(
      "language",
      Object.entries(LANGUAGES).map(([code, name]) => [code, name, null]),
      language,
    );
    this.#choices("appearance", entries(text.appearances), preference("appearance") ?? "system");
    this.#choices("pace", entries(text.paces), preference("pace") ?? "smooth");
    this.#choices("spoken", entries(text.spoken), preference("spoken") ?? "off");
    this.#choices("keys", entries(text.keys), preference("keys") ?? "on");
  }

  #drawTools() {
    const { options, config } = this.#settings;
    const tools = config?.tools ?? [];
    part(this.#form, "tools").replaceChildren(
      ...tools.map(({ name, description }) => {
        const item = document.createElement("li");
        const label = document.createElement("label");
        const box = Object.assign(document.createElement("input"), { type: "checkbox", name: "tool", value: name });
        box.checked = !options.toolsOff.includes(name);
        const code = Object.assign(document.createElement("code"), { textContent: name, dir: "ltr" });
        const about = Object.assign(document.createElement("small"), { textContent: description, dir: "auto" });
        label.append(box, code, about);
        item.append(label);
        return item;
      }),
    );
    if (tools.length === 0) part(this.#form, "tools").textContent = text.page.noTools;
  }

  /** @param {string} value @param {string} name @param {Reason | null} reason @returns {[string, string, Reason | null]} */
  #choice(value, name, reason) {
    return [value, reason ? text.unable(name, text.cannot[reason]) : name, reason];
  }

  /** @param {string} field @param {[value: string, name: string, reason: Reason | null][]} choices @param {string} chosen */
  #choices(field, choices, chosen) {
    this.#field(field).replaceChildren(
      ...choices.map(([value, name, reason]) => {
        const option = new Option(name, value, false, value === chosen);
        option.disabled = reason !== null;
        return option;
      }),
    );
  }

  /** @param {HTMLInputElement} field */
  #changed({ name, value }) {
    switch (name) {
      case "effort":
      case "thinking":
        this.#settings.set({ [name]: value || null });
        return this.#draw(); // one may rule out the other
      case "maxTokens": {
        const most = Number(this.#field(name).max) || Infinity;
        const wished = Math.round(Number(value));
        this.#settings.set({ maxTokens: wished > 0 ? Math.min(wished, most) : null });
        return this.#draw();
      }
      case "system":
        return this.#settings.set({ system: value });
      case "tool": {
        const boxes = [.../** @type {NodeListOf<HTMLInputElement>} */ (this.#form.querySelectorAll("[name=tool]"))];
        const toolsOff = boxes.filter(({ checked }) => !checked).map((box) => box.value);
        return this.#settings.set({ toolsOff });
      }
      case "language":
        return speak(/** @type {import("../text.js").Language} */ (value));
      case "appearance":
        if (value === "system") delete document.documentElement.dataset.theme;
        else document.documentElement.dataset.theme = value;
        return prefer("appearance", value);
      case "pace":
      case "spoken":
      case "keys":
        return prefer(name, value);
    }
  }
}

/** @param {Record<string, string>} texts @returns {[string, string, null][]} */
function entries(texts) {
  return Object.entries(texts).map(([value, name]) => [value, name, null]);
}
