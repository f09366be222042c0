// @ts-check
// The tree as HTML, in the dialect of the oracle: only here, the page itself never makes HTML.
import { Blocks } from "../../static/js/markdown/blocks.js";
import { parseInline } from "../../static/js/markdown/inline.js";

/** @typedef {import("../../static/js/markdown/block.js").Block} Block */
/** @typedef {import("../../static/js/markdown/spans.js").Span} Span */

/** @param {string} text */
const escapeHtml = (text) =>
  text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll('"', "&quot;");

/** @param {string} text @returns {string} */
export function toHtml(text) {
  const blocks = new Blocks({ math: false, notes: false });
  const lines = text.split(/\r\n|\n|\r/);
  if (lines.at(-1) === "") lines.pop();
  for (const line of lines) blocks.add(line);
  const { root } = blocks;
  blocks.end();

  /** @param {string} inside */
  const inline = (inside) => spans(parseInline(inside, blocks.references, { math: false, bare: false }));

  /** @param {Block} block @param {boolean} tight @returns {string} */
  function html(block, tight) {
    const inner = () => block.children.map((child) => html(child, false)).join("");
    switch (block.type) {
      case "document":
        return inner();
      case "quote":
        return `<blockquote>\n${inner()}</blockquote>\n`;
      case "list": {
        const tag = block.ordered ? "ol" : "ul";
        const start = block.ordered && block.start !== 1 ? ` start="${block.start}"` : "";
        return `<${tag}${start}>\n${block.children.map((item) => html(item, !block.loose)).join("")}</${tag}>\n`;
      }
      case "item": {
        const inside = block.children.map((child) => html(child, tight)).join("");
        const lead = block.children.length > 0 && !(tight && block.children[0]?.type === "paragraph") ? "\n" : "";
        return `<li>${lead}${inside.replace(/\n$/, tight && block.children.at(-1)?.type === "paragraph" ? "" : "\n")}</li>\n`;
      }
      case "paragraph":
        return tight ? `${inline(block.text)}\n` : `<p>${inline(block.text)}</p>\n`;
      case "heading":
        return `<h${block.level}>${inline(block.text)}</h${block.level}>\n`;
      case "code": {
        const language = block.info ? unescapeInfo(block.info).split(/\s+/)[0] : "";
        return `<pre><code${language ? ` class="language-${escapeHtml(language)}"` : ""}>${escapeHtml(block.lines.map((line) => `${line}\n`).join(""))}</code></pre>\n`;
      }
      case "rule":
        return "<hr />\n";
      case "table":
        return table(block);
      default:
        return "";
    }
  }

  /** @param {Block} block */
  function table({ children: [head, ...body], align = [] }) {
    /** @param {Block | undefined} row @param {string} tag */
    const line = (row, tag) =>
      `<tr>\n${row?.cells?.map((cell, n) => `<${tag}${align[n] ? ` style="text-align:${align[n]}"` : ""}>${inline(cell)}</${tag}>\n`).join("")}</tr>\n`;
    const rows = body.length > 0 ? `<tbody>\n${body.map((row) => line(row, "td")).join("")}</tbody>\n` : "";
    return `<table>\n<thead>\n${line(head, "th")}</thead>\n${rows}</table>\n`;
  }

  return html(root, false);
}

/** @param {string} info */
const unescapeInfo = (info) => spans(parseInline(info, new Map(), {})).replaceAll("&amp;", "&");

/** @param {Span[]} list @returns {string} */
function spans(list) {
  return list
    .map((span) => {
      switch (span.type) {
        case "text":
          return escapeHtml(span.text);
        case "code":
          return `<code>${escapeHtml(span.text)}</code>`;
        case "soft":
          return "\n";
        case "break":
          return "<br />\n";
        case "del":
          return `<s>${spans(span.children)}</s>`;
        case "link":
          return `<a href="${address(span)}"${title(span)}>${spans(span.children)}</a>`;
        case "image":
          return `<img src="${address(span)}" alt="${escapeHtml(plain(span.children))}"${title(span)} />`;
        default:
          return `<${span.type}>${spans(span.children)}</${span.type}>`;
      }
    })
    .join("");
}

/** @param {Span} span */
const title = (span) => (span.title ? ` title="${escapeHtml(span.title)}"` : "");

/** @param {Span} span */
const address = ({ href = "" }) =>
  escapeHtml(
    encodeURI(href)
      .replace(/%25([0-9a-f]{2})/gi, "%$1")
      .replaceAll("[", "%5B")
      .replaceAll("]", "%5D"),
  );

/** @param {Span[]} list @returns {string} */
function plain(list) {
  return list
    .map((span) => (span.type === "soft" || span.type === "break" ? "\n" : span.text + plain(span.children)))
    .join("");
}
