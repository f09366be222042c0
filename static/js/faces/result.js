// @ts-check
/**
 * What a tool has answered, in the form that fits it: links, output of a program, pictures, text; JSON where nothing
 * better is known. Shapes: Claude's content blocks and the results of the tools that run on its servers.
 */

import { showPicture } from "../composer/picture.js";
import { text } from "../text.js";
import { opens } from "../viewer.js";

/** @typedef {import("../events.js").Json} Json */

/**
 * JSON to be read. What Claude encrypted is for Claude alone, and of binary data the length is enough.
 *
 * @param {unknown} value
 * @returns {string}
 */
export function shownJson(value) {
  const short = (/** @type {string} */ key, /** @type {unknown} */ one) =>
    typeof one === "string" && (key.startsWith("encrypted_") || (key === "data" && one.length > 200)) ? "…" : one;
  return JSON.stringify(value, short, 2) ?? "";
}

/** @param {unknown} content @returns {Node[]} */
export function resultNodes(content) {
  if (content === null || content === undefined || content === "") return [pre("")];
  if (typeof content === "string") return [pre(content)];
  if (!Array.isArray(content)) return single(/** @type {Json} */ (content));
  if (content.length > 0 && content.every(({ type }) => type === "web_search_result")) return [links(content)];
  return content.flatMap((block) => single(block));
}

/** @param {Json} block @returns {Node[]} */
function single(block) {
  switch (block.type) {
    case "text":
      return [pre(String(block.text))];
    case "image": {
      const image = Object.assign(document.createElement("img"), { className: "tool__image", alt: text.image });
      if (!showPicture(image, block)) return [pre(shownJson(block))];
      const button = Object.assign(document.createElement("button"), { className: "tool__open", type: "button" });
      opens(button, text.image, block);
      button.append(image);
      return [button];
    }
    case "web_search_result":
    case "search_result":
      return [links([block])];
    case "web_fetch_result": {
      const { title, source } = block.content ?? {};
      const said = typeof source?.data === "string" && source.type === "text" ? [pre(source.data)] : [];
      return [links([{ url: block.url, title }]), ...said];
    }
    case "code_execution_result":
    case "bash_code_execution_result":
      return output(block);
    default:
      if (typeof block.error_code === "string") return [pre(block.error_code.replaceAll("_", " "))];
      return [pre(shownJson(block))];
  }
}

/** What a program has written and returned. @param {Json} block @returns {Node[]} */
function output({ stdout, stderr, return_code }) {
  const nodes = [];
  if (stdout) nodes.push(pre(String(stdout)));
  if (stderr) nodes.push(pre(String(stderr), "tool__error"));
  if (return_code !== 0 || nodes.length === 0) nodes.push(pre(text.tool.returned(Number(return_code))));
  return nodes;
}

/** @param {Json[]} results @returns {HTMLElement} */
function links(results) {
  const list = Object.assign(document.createElement("ul"), { className: "tool__links" });
  for (const { url, source, title, page_age } of results) {
    const item = document.createElement("li");
    const address = String(url ?? source ?? "");
    const name = document.createElement(/^https?:\/\//i.test(address) ? "a" : "span");
    name.dir = "auto";
    name.textContent = title || address;
    if (name instanceof HTMLAnchorElement) {
      Object.assign(name, { href: address, target: "_blank", rel: "noopener noreferrer" });
    }
    const facts = document.createElement("small");
    facts.dir = "ltr";
    facts.textContent = [host(address), page_age].filter(Boolean).join(" · ");
    item.append(name, facts);
    list.append(item);
  }
  return list;
}

/** @param {string} address @returns {string} */
export function host(address) {
  return URL.canParse(address) ? new URL(address).host : "";
}

/** @param {string} words @param {string} [className] */
function pre(words, className = "") {
  const element = Object.assign(document.createElement("pre"), { className, textContent: words, dir: "auto" });
  return element;
}
