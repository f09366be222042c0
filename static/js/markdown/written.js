// @ts-check
/** The way back: prose that stands on the page, as Markdown that would be drawn so again. */

const BLOCKS = "p, h3, h4, h5, h6, ul, ol, li, blockquote, hr, table, div";
const MARKS = /** @type {Record<string, string>} */ ({ STRONG: "**", EM: "*", DEL: "~~" });
const ALIGNED = /** @type {Record<string, string>} */ ({ left: ":---", right: "---:", center: ":---:" });

/**
 * @param {ParentNode & Node} parent  what Prose draws, or a part of it
 * @param {string} [gap]  between two blocks
 * @returns {string}
 */
export function written(parent, gap = "\n\n") {
  /** @type {string[]} */
  const parts = [];
  /** @type {Node[]} */
  let run = [];
  const flush = () => {
    const words = leaf(run);
    if (words !== "") parts.push(words);
    run = [];
  };
  for (const node of parent.childNodes) {
    if (!(node instanceof HTMLElement && node.matches(BLOCKS))) run.push(node);
    else {
      flush();
      parts.push(block(node));
    }
  }
  flush();
  return parts.join(gap);
}

/** @param {HTMLElement} element @returns {string} */
function block(element) {
  if (element.matches(".code")) return fenced(element);
  if (element.matches(".math")) return `$$\n${tex(element)}\n$$`;
  if (element.matches(".footnote")) return footnote(element);
  switch (element.tagName) {
    case "H3":
    case "H4":
    case "H5":
    case "H6":
      return `${"#".repeat(Number(element.tagName[1]) - 2)} ${leaf([...element.childNodes]).replace(/\n/g, " ")}`;
    case "UL":
    case "OL":
      return list(element);
    case "LI":
      return item(element, "- ", "\n");
    case "BLOCKQUOTE":
      return written(element).replace(/^/gm, "> ");
    case "HR":
      return "---";
    case "TABLE":
      return table(element);
    case "P":
      return leaf([...element.childNodes]);
    default:
      return written(element);
  }
}

/** @param {HTMLElement} element */
function fenced(element) {
  const code = element.querySelector("pre")?.textContent ?? "";
  const fence = "`".repeat(Math.max(3, longestRun(code) + 1));
  return `${fence}${element.querySelector(".code__language")?.textContent ?? ""}\n${code}\n${fence}`;
}

/** @param {HTMLElement} element */
function list(element) {
  const gap = element.hasAttribute("data-loose") ? "\n\n" : "\n";
  const second = element.previousElementSibling?.tagName === element.tagName; // two lists in a row are told by their marks
  const first = element instanceof HTMLOListElement ? element.start : 1;
  const marker = (/** @type {number} */ n) =>
    element.tagName === "UL" ? (second ? "* " : "- ") : `${first + n}${second ? ")" : "."} `;
  return [...element.children].map((each, n) => item(each, marker(n), gap)).join(gap);
}

/** @param {Element} element @param {string} marker @param {string} gap */
function item(element, marker, gap) {
  const box = element.querySelector(":scope > input");
  const task = box instanceof HTMLInputElement ? (box.checked ? "[x] " : "[ ] ") : "";
  return indented(`${marker}${task}${written(element, gap)}`, marker.length);
}

/** @param {HTMLElement} element */
function table(element) {
  const rows = [...element.querySelectorAll("tr")].map((row) => [...row.children]);
  const aligned = (rows[0] ?? []).map(
    (cell) => ALIGNED[/** @type {HTMLElement} */ (cell).dataset.align ?? ""] ?? "---",
  );
  const lines = rows.map((cells) =>
    cells.map((cell) =>
      leaf([...cell.childNodes])
        .replace(/\n/g, " ")
        .replace(/\|/g, "\\|"),
    ),
  );
  lines.splice(1, 0, aligned);
  return lines.map((cells) => `| ${cells.join(" | ")} |`).join("\n");
}

/** @param {HTMLElement} element */
function footnote(element) {
  const text = element.querySelector(".footnote__text");
  return indented(`[^${element.dataset.note}]: ${text ? written(text) : ""}`, 4);
}

/** All lines but the first. @param {string} text @param {number} by */
const indented = (text, by) => text.replace(/\n(?=[^\n])/g, `\n${" ".repeat(by)}`);

/** Text that is no block's beginning by accident. @param {Node[]} nodes */
function leaf(nodes) {
  const text = nodes.map(inline).join("").trim();
  return text.replace(/^([#>+-]|\d+(?=[.)]))(?=[.)]?(?:\s|$))/gm, (start) =>
    /\d/.test(start) ? `${start}\\` : `\\${start}`,
  );
}

/** @param {Node} node @returns {string} */
function inline(node) {
  if (node instanceof Text) return escaped(node.data);
  if (!(node instanceof HTMLElement)) return "";
  if (node.matches(".math")) return node.hasAttribute("data-display") ? `$$${tex(node)}$$` : `\\(${tex(node)}\\)`;
  if (node.matches(".noteref")) return `[^${node.dataset.noteref}]`;
  if (node.matches(".cite, .seam, button, input")) return "";
  const inside = [...node.childNodes].map(inline).join("");
  const mark = MARKS[node.tagName];
  if (mark) return inside === "" ? "" : `${mark}${inside}${mark}`;
  if (node.tagName === "BR") return "\\\n";
  if (node.tagName === "CODE") return ticked(node.textContent ?? "");
  if (node instanceof HTMLAnchorElement) return link(node, inside);
  return inside;
}

/** @param {HTMLAnchorElement} element @param {string} inside */
function link(element, inside) {
  const address = element.getAttribute("href") ?? "";
  const image = element.matches(".image");
  if (!image && element.textContent === address) return address;
  const target = /[()\s]/.test(address) ? `<${address}>` : address;
  const title = !image && element.title ? ` "${element.title.replaceAll('"', '\\"')}"` : "";
  return `${image ? "!" : ""}[${inside}](${target}${title})`;
}

/** @param {string} code */
function ticked(code) {
  const ticks = "`".repeat(longestRun(code) + 1);
  const pad = /^`|`$|^ .*[^ ].* $/s.test(code) ? " " : "";
  return `${ticks}${pad}${code}${pad}${ticks}`;
}

/** @param {string} text */
const longestRun = (text) => Math.max(0, ...(text.match(/`+/g) ?? []).map(({ length }) => length));

/** What would be read as a mark. An underscore inside of a word, or a bracket that begins no link, would not. @param {string} text */
const escaped = (text) =>
  text
    .replace(/\\(?=[!-/:-@[-`{-~\n]|$)/g, "\\\\")
    .replace(/[*`]|~(?=~)|\$(?=\$)|(?<![\p{L}\p{N}])_|_(?![\p{L}\p{N}])|<(?=[a-z/!?])|\](?=[([:])/giu, "\\$&");

/** A formula as it was written, set or not. @param {Element} element */
const tex = (element) => (element.querySelector("annotation") ?? element).textContent ?? "";
