// @ts-check
/** Citations of one answer: numbered by what they cite, so that the same place keeps its number. */

import { host } from "./faces/result.js";
import { make, part } from "./templates.js";
import { text } from "./text.js";

/** @typedef {import("./events.js").Json} Json */

export class Cites {
  /** @type {Map<string, number>} */
  #numbers = new Map();
  /** @type {Map<number, Json[]>} by block */
  #waiting = new Map();

  /** @param {number} index @param {Json} citation */
  add(index, citation) {
    this.#waiting.set(index, [...(this.#waiting.get(index) ?? []), citation]);
  }

  /** The marks for a block that is complete. @param {number} index @returns {Node[]} */
  take(index) {
    const citations = this.#waiting.get(index) ?? [];
    this.#waiting.delete(index);
    return citations.map((citation) => this.#mark(citation));
  }

  /** @param {Json} citation */
  #mark(citation) {
    const { url, source, title, document_title, document_index, cited_text } = citation;
    const key = url ?? source ?? `${document_index} ${cited_text}`;
    const number = this.#numbers.get(key) ?? this.#numbers.size + 1;
    this.#numbers.set(key, number);
    const mark = make("cite");
    const link = /** @type {HTMLAnchorElement} */ (part(mark, "number"));
    link.textContent = String(number);
    const address = [url, source].find((one) => /^https?:\/\//i.test(one ?? ""));
    if (address) {
      link.href = address;
      link.target = "_blank";
      link.rel = "noopener noreferrer";
    } else link.role = "button";
    part(mark, "title").textContent = title ?? document_title ?? address ?? text.citation(number);
    part(mark, "text").textContent = cited_text ?? "";
    part(mark, "place").textContent = place(citation);
    link.setAttribute(
      "aria-label",
      `${text.citation(number)}: ${part(mark, "title").textContent}. ${cited_text ?? ""}`,
    );
    placed(mark);
    dismissible(mark);
    return mark;
  }
}

/** Where in the source, as far as a reader can look it up. @param {Json} citation @returns {string} */
function place({ url, source, start_page_number, end_page_number }) {
  if (Number.isInteger(start_page_number)) return text.pages(start_page_number, end_page_number - 1); // its end is exclusive
  return host(url ?? source ?? "");
}

/**
 * Its card appears below the block that it stands in. Said when somebody comes near, and not by the style sheet's `:has`,
 * which would look for citations in all that is written.
 *
 * @param {HTMLElement} mark
 */
function placed(mark) {
  const place = () => mark.closest("p, li, td, th, h3, h4, h5, h6")?.classList.add("cited");
  for (const begin of ["mouseenter", "focusin"]) mark.addEventListener(begin, place);
}

/** Escape puts the card away until the pointer or the focus comes again (WCAG 2.2, 1.4.13). @param {HTMLElement} mark */
function dismissible(mark) {
  mark.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || "dismissed" in mark.dataset) return;
    event.preventDefault(); // it stops no answer
    mark.dataset.dismissed = "";
  });
  for (const end of ["mouseleave", "focusout"]) mark.addEventListener(end, () => delete mark.dataset.dismissed);
}
