// @ts-check
/**
 * Every word the page says, in the reader's language.
 *
 * A language is a module in `languages/`, complete or absent; only the one in use is loaded, and English stands in when
 * it cannot be. What stands in index.html already is named there by `data-text` (and `data-label`, `data-title`,
 * `data-placeholder` for attributes) and filled in by `localize`; English stands in the HTML itself as well, so that it
 * never flashes.
 */

import { texts as english } from "./languages/en.js";
import { prefer, preference } from "./preferences.js";

/** @typedef {import("./events.js").Fault} Fault */
/** @typedef {import("./languages/en.js").Texts} Texts */

/** By code, each with its own name for itself. */
export const LANGUAGES = /** @type {const} */ ({ en: "English", ar: "العربية", ja: "日本語" });

/** @typedef {keyof typeof LANGUAGES} Language */

const RIGHT_TO_LEFT = /** @type {readonly string[]} */ (["ar"]);

/**
 * The first of the wanted languages that there is; the region does not matter.
 *
 * @param {readonly string[]} wanted  best first, as `navigator.languages`
 * @returns {Language}
 */
export function choose(wanted) {
  const codes = wanted.map((tag) => tag.toLowerCase().split("-")[0] ?? "");
  return /** @type {Language | undefined} */ (codes.find((code) => code in LANGUAGES)) ?? "en";
}

/** @param {Language} language @returns {Promise<Texts>} */
async function load(language) {
  try {
    if (language === "ar") return (await import("./languages/ar.js")).texts;
    if (language === "ja") return (await import("./languages/ja.js")).texts;
  } catch {
    // not to be had now: a page in English is better than none
  }
  return english;
}

/** The language in use. */
export const language = choose([preference("language") ?? "", ...(globalThis.navigator?.languages ?? [])]);

/** The texts in use. */
export const text = await load(language);

/** Use another language from now on: the page is loaded again, and goes on where it was. @param {Language} chosen */
export function speak(chosen) {
  prefer("language", chosen);
  location.reload();
}

/**
 * @param {Fault} fault
 * @returns {{title: string, whose: string}}
 */
export function explain({ type }) {
  const known = /** @type {Record<string, string[]>} */ (text.fault);
  const [title = "", whose = ""] = known[type] ?? text.fault.api_error;
  return { title, whose };
}

/** Fill in what the page's HTML says. @param {Document} page */
export function localize(page) {
  page.documentElement.lang = language;
  page.documentElement.dir = RIGHT_TO_LEFT.includes(language) ? "rtl" : "ltr";
  fillIn(page);
  for (const template of page.querySelectorAll("template")) fillIn(template.content);
}

/** @param {ParentNode} root */
function fillIn(root) {
  const words = /** @type {Record<string, string>} */ (text.page);
  for (const element of root.querySelectorAll("[data-text]")) {
    element.textContent = words[element.getAttribute("data-text") ?? ""] ?? element.textContent;
  }
  for (const [data, attribute] of [
    ["data-label", "aria-label"],
    ["data-title", "title"],
    ["data-placeholder", "placeholder"],
  ]) {
    for (const element of root.querySelectorAll(`[${data}]`)) {
      element.setAttribute(
        /** @type {string} */ (attribute),
        words[element.getAttribute(/** @type {string} */ (data)) ?? ""] ?? "",
      );
    }
  }
}
