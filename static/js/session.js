// @ts-check
/**
 * Who the reader is, where the gateway wants to know.
 *
 * All requests of the page go through `fetch` here. One that is refused for want of a session waits for the reader to
 * sign in and is made again, so nothing has to be typed twice. The reader shows a token: the operator's, or one of a
 * sign-in service (`jwt`). Where a proxy signs readers in, the refusal says so instead.
 */

import { part } from "./templates.js";
import { text } from "./text.js";

/** @typedef {import("./settings/options.js").Config} Config */

export class Session {
  #dialog;
  #form;
  #config;
  /** @type {Promise<boolean> | null} while the reader is being asked */
  #asking = null;

  /** The reader said no: there must be another way back to the dialog. @type {(signedOut: boolean) => void} */
  onSignedOut = () => {};
  /** What /api/config says may have changed. */
  onSignedIn = () => {};

  /**
   * @param {HTMLDialogElement} dialog
   * @param {() => Promise<Config | null>} config
   */
  constructor(dialog, config) {
    this.#dialog = dialog;
    this.#form = /** @type {HTMLFormElement} */ (dialog.querySelector("form"));
    this.#config = config;
  }

  /**
   * As the browser's, for this gateway.
   *
   * @param {string} url
   * @param {RequestInit} [init]
   * @returns {Promise<Response>}
   */
  async fetch(url, init = {}) {
    const response = await fetch(url, init);
    if (response.status !== 401) return response;
    // read now: the request may be given up while the reader looks for the token
    const refusal = new Response(await response.text(), response);
    const { auth } = (await this.#config()) ?? {};
    if (auth === "proxy") return elsewhere(refusal);
    if (auth !== "token" && auth !== "jwt") return refusal;
    return (await this.signIn(init.signal ?? null)) ? this.fetch(url, init) : refusal;
  }

  /** The reader is being asked. */
  get asking() {
    return this.#asking !== null;
  }

  /**
   * Ask the reader for the token.
   *
   * @param {AbortSignal | null} signal  ends the waiting, not the asking
   * @returns {Promise<boolean>} whether there is a session now
   */
  signIn(signal = null) {
    this.#asking ??= this.#ask().finally(() => (this.#asking = null));
    const given = new Promise((resolve) => signal?.addEventListener("abort", () => resolve(false), { once: true }));
    return Promise.race([this.#asking, given]);
  }

  async signOut() {
    await fetch("api/session", { method: "DELETE" });
    location.reload();
  }

  // Private

  /** @returns {Promise<boolean>} */
  async #ask() {
    const field = /** @type {HTMLInputElement} */ (this.#form.elements.namedItem("token"));
    const config = await this.#config();
    const { why, whyJwt, ended } = text.signIn;
    part(this.#form, "why").textContent = config?.signed_in ? ended : config?.auth === "jwt" ? whyJwt : why;
    const done = new AbortController();
    const { signal } = done;
    let signedIn = false;
    const succeed = () => {
      signedIn = true;
      this.#dialog.close();
    };
    const closed = new Promise((resolve) => this.#dialog.addEventListener("close", resolve, { signal }));
    this.#form.addEventListener(
      "submit",
      async (event) => {
        if (event.submitter?.hasAttribute("formnovalidate")) return; // not now: the dialog closes
        event.preventDefault();
        if (await this.#try(field.value)) succeed();
        else field.select();
      },
      { signal },
    );
    // the reader may sign in in another tab
    const look = async () => document.hidden || ((await this.#known()) && succeed());
    document.addEventListener("visibilitychange", look, { signal });
    this.#say(null);
    field.value = "";
    this.#dialog.showModal();
    field.focus();
    await closed;
    done.abort();
    field.value = "";
    this.onSignedOut(!signedIn);
    if (signedIn) this.onSignedIn();
    return signedIn;
  }

  /** @param {string} token @returns {Promise<boolean>} */
  async #try(token) {
    const button = /** @type {HTMLButtonElement} */ (part(this.#form, "submit"));
    button.disabled = true;
    this.#say(null);
    try {
      const headers = { "Content-Type": "application/json" };
      const body = JSON.stringify({ token: token.trim() });
      const response = await fetch("api/session", { method: "POST", headers, body });
      if (!response.ok) await this.#refused(response);
      return response.ok;
    } catch {
      this.#say(text.fault.network_error.join(". "));
      return false;
    } finally {
      button.disabled = false;
    }
  }

  /** @param {Response} response */
  async #refused(response) {
    const { status, headers } = response;
    const { wrong, wrongJwt } = text.signIn;
    const { auth } = (await this.#config()) ?? {};
    if (status === 401 || status === 400) return this.#say(auth === "jwt" ? wrongJwt : wrong);
    if (status === 429) return this.#say(text.signIn.tooOften(Number(headers.get("Retry-After")) || 60));
    const said = await response.json().catch(() => null);
    this.#say(said?.error?.message ?? text.fault.api_error.join(". "));
  }

  /** @param {string | null} problem */
  #say(problem) {
    const line = part(this.#form, "problem");
    line.textContent = problem ?? "";
    line.hidden = problem === null;
    const field = /** @type {HTMLInputElement} */ (this.#form.elements.namedItem("token"));
    field.setAttribute("aria-invalid", String(problem !== null));
  }

  /** The gateway knows the reader. */
  async #known() {
    try {
      return (await (await fetch("api/config")).json()).signed_in === true;
    } catch {
      return false;
    }
  }
}

/** Somebody else signs readers in: say that, instead of asking here. @param {Response} refusal */
async function elsewhere(refusal) {
  const { request_id } = await refusal.json().catch(() => ({}));
  return Response.json({ error: { type: "signed_out_elsewhere", message: "" }, request_id }, { status: 401 });
}
