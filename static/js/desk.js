// @ts-check
/**
 * The reader's side of the page: text field, files, settings, session and shortcuts, introduced to one another.
 *
 * Nothing of what the gateway tells here is needed to ask: without it the gateway chooses the model.
 */

import { Composer } from "./composer.js";
import { TokenCount } from "./composer/tokens.js";
import { faultCard } from "./fault.js";
import { Session } from "./session.js";
import { ModelPicker } from "./settings/picker.js";
import { Settings } from "./settings/settings.js";
import { Shortcuts } from "./shortcuts.js";
import { text } from "./text.js";
import { showExamples } from "./welcome.js";

/** @typedef {import("./composer.js").Content} Content */
/** @typedef {import("./settings/options.js").Config} Config */

/** @param {string} id @returns {any} */
const byId = (id) => document.getElementById(id);

export class Desk {
  composer = new Composer(byId("composer"));
  settings = new Settings();
  /** @type {Promise<Config | null>} what the gateway says of itself; null when it does not */
  #config = Promise.resolve(null);
  session = new Session(byId("sign-in"), () => this.#config);
  shortcuts = new Shortcuts();
  #picker = new ModelPicker(byId("model"), this.settings);
  #tokens = new TokenCount((url, init) => fetch(url, init)); // who is signed out is not asked while they write
  /** @type {import("./settings/panel.js").SettingsPanel | null} */
  #panel = null;

  /** The request that would be sent with this content. @type {(content: Content) => object} */
  request = (content) => ({ messages: [{ role: "user", content }] });
  /** What is written but not sent has changed. */
  onDraft = () => {};
  /** An example was chosen. @type {(prompt: string) => void} */
  onExample = () => {};

  constructor() {
    const { composer, settings, session } = this;
    composer.objection = () => this.#picker.objection;
    composer.onChange = () => {
      this.onDraft();
      this.changed();
    };
    composer.tray.limits = () => settings.config?.attachments ?? null;
    settings.onChange = () => {
      this.#picker.draw();
      this.#mark();
      this.changed();
    };
    this.#mark();
    this.#tokens.onCount = (tokens) => this.#tell(tokens);
    session.onSignedOut = (signedOut) => (byId("sign-in-again").hidden = !signedOut);
    session.onSignedIn = () => void this.load();
    byId("sign-in-again").addEventListener("click", () => void session.signIn());
    byId("open-settings").addEventListener("click", () => void this.openSettings());
    this.shortcuts.add("settings", "Mod+,", () => void this.openSettings());
    this.shortcuts.add("message", "/", () => composer.focus());
    this.shortcuts.add("stop", "Escape", () => composer.stop());
  }

  /** The draft is another, or the conversation around it. */
  changed() {
    const { content, tray } = this.composer;
    this.#picker.needs = { images: tray.kinds.includes("image"), pdfs: tray.kinds.includes("pdf") };
    this.#tokens.watch(content === null ? null : () => this.request(content));
  }

  /** Ask the gateway what there is. */
  async load() {
    byId("notice").replaceChildren();
    this.#config = this.#loadConfig();
    await Promise.all([this.#config, this.#loadModels()]);
  }

  async openSettings() {
    const { SettingsPanel } = await import("./settings/panel.js");
    this.#panel ??= new SettingsPanel(byId("settings"), this.settings, this.session);
    this.#panel.onShortcuts = () => this.shortcuts.show();
    this.#panel.open();
  }

  // Private

  /** Settings hold for every question to come, so that there are some must be seen. */
  #mark() {
    const button = byId("open-settings");
    const { changed } = this.settings;
    button.toggleAttribute("data-changed", changed);
    button.ariaLabel = button.title = changed ? text.settingsChanged : text.page.settings;
  }

  /** @returns {Promise<Config | null>} */
  async #loadConfig() {
    let config = null;
    try {
      const response = await fetch("api/config");
      if (response.ok) config = await response.json();
    } catch {
      // the models are not to be had either, and their loading tells
    }
    byId("demo").hidden = !config?.demo;
    showExamples(byId("examples"), config?.demo === true, (prompt) => this.onExample(prompt));
    if (config) this.settings.offer({ config });
    this.composer.tray.retry();
    return config;
  }

  async #loadModels() {
    try {
      const response = await this.session.fetch("api/models");
      const body = await response.json();
      if (!response.ok) return this.#notice(body.error, body.request_id ?? null);
      this.settings.offer({ models: body.data });
      if (body.data.length === 0) this.#notice({ type: "no_models", message: "" }, null);
    } catch {
      this.#notice({ type: "network_error", message: "" }, null);
    }
  }

  /** Say above the text field why nothing can be asked. @param {import("./events.js").Fault} fault @param {string | null} requestId */
  #notice(fault, requestId) {
    if (fault.type === "authentication_error") return; // the way to sign in stands at the top
    const elsewhere = fault.type === "signed_out_elsewhere";
    const onAgain = elsewhere ? () => location.reload() : () => void this.load();
    byId("notice").replaceChildren(faultCard(fault, { requestId, retryAfterMs: null, onAgain, onEdit: null }));
  }

  /** @param {number | null} tokens */
  #tell(tokens) {
    const output = byId("count");
    const most = this.settings.model?.max_input_tokens ?? null;
    const over = tokens === null || most === null ? 0 : Math.max(0, tokens - most);
    output.textContent = tokens === null ? "" : over > 0 ? text.tokensOver(over) : text.tokens(tokens);
    output.title = tokens === null || most === null ? "" : text.tokensOf(tokens, most);
    output.toggleAttribute("data-over", over > 0);
  }
}
