// @ts-check
/**
 * The tree as elements, brought up to date instead of built again.
 *
 * Elements and text nodes only: no HTML string exists anywhere. A block that is closed is drawn once more and then never
 * looked at again; of the open one, nodes that are still right stay, text is appended to.
 */

import { text as words } from "../text.js";
import { heal } from "./heal.js";
import { parseInline } from "./inline.js";

/** @typedef {import("./blocks.js").Block} Block */
/** @typedef {import("./inline.js").Span} Span */
/** @typedef {import("./references.js").References} References */

/**
 * @typedef {object} Drawn
 * @property {Block} block
 * @property {string} kind  which element stands there; a block may still become another (a heading, a table)
 * @property {HTMLElement} element
 * @property {HTMLElement} inside  where children go
 * @property {Drawn[]} children
 * @property {boolean} settled
 * @property {string} text  of code: what stands there
 * @property {Span[][]} spans  of a leaf; of a row, one list per cell
 */

/** @typedef {{references: References, marks: Node[], live: Block | null, top: number, again: boolean}} Drawing */

/** characters: code is laid out in parts of about this size, so that a long one does not get dearer with each line */
const PART = 2000;
const ALLOWED = /^(?:https?:\/\/|mailto:|#)/i;
const HOLDERS = new Set(["em", "strong", "del", "link"]);
const MARKS = /\ufdd0\d+\ufdd1/g;

/** @param {string} tag @param {string} [className] */
function make(tag, className) {
  const element = document.createElement(tag);
  if (className) element.className = className;
  return element;
}

/** @param {Block} block @param {number} top @returns {Drawn} */
function create(block, top) {
  const element = elementFor(block, top);
  /** @type {HTMLElement} */
  const inside = element.querySelector("code, table") ?? element;
  return { block, kind: kind(block), element, inside, children: [], settled: false, text: "", spans: [] };
}

/** @param {Block} block @param {number} top  level of the text's first heading @returns {HTMLElement} */
function elementFor(block, top) {
  switch (block.type) {
    case "quote":
      return make("blockquote");
    case "list": {
      const list = make(block.ordered ? "ol" : "ul");
      if (block.ordered && block.start !== 1) /** @type {HTMLOListElement} */ (list).start = block.start ?? 1;
      return list;
    }
    case "item":
      return make("li");
    case "heading": // the page itself has the first two levels; models like to begin with their second
      return make(`h${Math.min(Math.max((block.level ?? 1) - top, 0) + 3, 6)}`);
    case "rule":
      return make("hr");
    case "code":
      return codeElement(block.info ?? "");
    case "math": {
      const box = make("div", "math");
      box.append(make("code"));
      return box;
    }
    case "table": {
      const box = make("div", "table");
      box.tabIndex = 0;
      box.role = "group";
      box.ariaLabel = words.table;
      const table = make("table");
      table.append(make("thead"), make("tbody"));
      box.append(table);
      return box;
    }
    case "row":
      return make("tr");
    default:
      return make("p");
  }
}

/** @param {string} info */
function codeElement(info) {
  const box = make("div", "code");
  const bar = make("div", "code__bar");
  const language = make("span", "code__language");
  language.textContent = /^[^\s{]*/.exec(info)?.[0] ?? "";
  const copy = /** @type {HTMLButtonElement} */ (make("button", "code__copy"));
  copy.type = "button";
  copy.textContent = words.copy;
  bar.append(language, copy);
  const pre = make("pre");
  pre.tabIndex = 0;
  pre.dir = "ltr";
  pre.append(make("code"));
  box.append(bar, pre);
  return box;
}

/**
 * Bring `parent` up to date with these blocks.
 *
 * @param {Drawn} parent
 * @param {Block[]} blocks
 * @param {Drawing} drawing
 */
export function drawChildren(parent, blocks, drawing) {
  const { children } = parent;
  blocks.forEach((block, n) => {
    let drawn = children[n];
    if (drawn?.settled && drawn.block === block && !drawing.again) return;
    if (drawn && drawn.kind !== kind(block)) {
      for (const gone of children.splice(n)) gone.element.remove();
      drawn = undefined;
    }
    if (!drawn) {
      drawn = create(block, drawing.top);
      children.push(drawn);
      place(parent, drawn, n);
    }
    draw(drawn, block, drawing);
  });
  for (const gone of children.splice(blocks.length)) gone.element.remove();
}

/** @param {Drawn} parent @param {Drawn} child @param {number} n */
function place(parent, child, n) {
  if (parent.block.type !== "table") parent.inside.append(child.element);
  else parent.inside.children[n === 0 ? 0 : 1]?.append(child.element);
}

/** @param {Block} block */
function kind({ type, level, ordered, info }) {
  return `${type} ${level} ${ordered} ${info}`;
}

/** @param {Drawn} drawn @param {Block} block @param {Drawing} drawing */
function draw(drawn, block, drawing) {
  drawn.block = block;
  drawn.settled = !block.open && block !== drawing.live;
  switch (block.type) {
    case "code":
    case "math":
      return drawCode(drawn, block.text.replace(/\n$/, "").replace(MARKS, ""));
    case "rule":
      return;
    case "row":
      return drawRow(drawn, block, drawing);
    case "paragraph":
    case "heading":
      drawn.element.dir = "auto";
      drawSpans(drawn, 0, drawn.element, shown(block, drawing), drawing);
      return;
    case "list":
      drawn.element.toggleAttribute("data-loose", block.loose);
      return drawChildren(drawn, block.children, drawing);
    case "item":
      drawn.element.dir = "auto";
      drawTask(drawn, block);
      return drawChildren(drawn, block.children, drawing);
    default:
      return drawChildren(drawn, block.children, drawing);
  }
}

/** What of a leaf's text is to be seen now. @param {Block} block @param {Drawing} drawing */
function shown(block, drawing) {
  if (block !== drawing.live) return block.text;
  let { text } = block;
  if (block.open) {
    if (/^\[[^\]]+\]:/.test(text)) return ""; // may become a definition, which is not shown
    const last = text.slice(text.lastIndexOf("\n") + 1);
    if (last.startsWith("|")) text = text.slice(0, -last.length).trimEnd(); // may become a table's header
  }
  return heal(text);
}

/** @param {Drawn} drawn @param {Block} block */
function drawTask(drawn, block) {
  if (block.checked === undefined || drawn.element.classList.contains("task")) return;
  const box = /** @type {HTMLInputElement} */ (make("input"));
  box.type = "checkbox";
  box.disabled = true;
  box.checked = block.checked === true;
  box.ariaLabel = box.checked ? words.taskDone : words.taskOpen;
  drawn.element.classList.add("task");
  drawn.element.prepend(box);
}

/** @param {Drawn} drawn @param {Block} row @param {Drawing} drawing */
function drawRow(drawn, row, drawing) {
  const head = drawn.element.parentElement?.tagName === "THEAD";
  const cells = row.cells ?? [];
  cells.forEach((text, n) => {
    let cell = /** @type {HTMLElement | undefined} */ (drawn.element.children[n]);
    if (!cell) {
      cell = make(head ? "th" : "td");
      cell.dir = "auto";
      drawn.element.append(cell);
    }
    const align = row.align?.[n];
    if (align) cell.dataset.align = align;
    const last = row === drawing.live && cells.slice(n + 1).every((other) => other === "");
    drawSpans(drawn, n, cell, last ? heal(text) : text, drawing);
  });
}

/** Code only grows. @param {Drawn} drawn @param {string} text */
function drawCode(drawn, text) {
  if (text === drawn.text) return;
  if (!text.startsWith(drawn.text)) {
    drawn.inside.replaceChildren();
    drawn.text = "";
  }
  let more = text.slice(drawn.text.length);
  drawn.text = text;
  let part = /** @type {HTMLElement | null} */ (drawn.inside.lastElementChild);
  while (more !== "") {
    const full = part !== null && (part.textContent?.length ?? 0) > PART && part.textContent?.endsWith("\n");
    if (part === null || full) {
      part = make("span", "code__part");
      part.append(new Text());
      drawn.inside.append(part);
    }
    const room = PART - (part.textContent?.length ?? 0);
    const end = more.indexOf("\n", Math.max(0, room)) + 1 || more.length;
    /** @type {Text} */ (part.firstChild).appendData(more.slice(0, end));
    more = more.slice(end);
  }
}

/**
 * @param {Drawn} drawn
 * @param {number} n
 * @param {HTMLElement} parent
 * @param {string} text
 * @param {Drawing} drawing
 */
function drawSpans(drawn, n, parent, text, drawing) {
  const spans = parseInline(text, drawing.references);
  patch(parent, drawn.spans[n] ?? [], spans, drawing.marks);
  drawn.spans[n] = spans;
}

/**
 * Each span is one node; nodes of spans that did not change stay.
 *
 * @param {Element} parent
 * @param {Span[]} before
 * @param {Span[]} after
 * @param {Node[]} marks
 */
function patch(parent, before, after, marks) {
  let n = 0;
  for (; n < after.length && n < before.length; n += 1) {
    const was = /** @type {Span} */ (before[n]);
    const is = /** @type {Span} */ (after[n]);
    const node = parent.childNodes[n];
    if (was.type !== is.type || was.href !== is.href || was.title !== is.title || node === undefined) break;
    if (is.type === "image" && JSON.stringify(was) !== JSON.stringify(is)) break;
    if (is.type === "mark" ? was.text !== is.text : is.type === "math" && was.display !== is.display) break;
    if (was.text !== is.text)
      retext(
        is.type === "text" ? /** @type {Text} */ (node) : /** @type {Text} */ (node.firstChild),
        was.text,
        is.text,
      );
    if (HOLDERS.has(is.type)) patch(/** @type {Element} */ (node), was.children, is.children, marks);
  }
  while (parent.childNodes.length > n) parent.lastChild?.remove();
  for (const span of after.slice(n)) parent.append(nodeFor(span, marks));
}

/** @param {Text} node @param {string} was @param {string} is */
function retext(node, was, is) {
  if (is.startsWith(was)) node.appendData(is.slice(was.length));
  else node.data = is;
}

/** @param {Span} span @param {Node[]} marks @returns {Node} */
function nodeFor(span, marks) {
  switch (span.type) {
    case "text":
      return new Text(span.text);
    case "soft":
      return new Text("\n");
    case "break":
      return make("br");
    case "mark":
      return marks[Number(span.text)] ?? new Text();
    case "code":
    case "math": {
      const code = make("code", span.type === "math" ? "math" : "");
      if (span.display) code.dataset.display = "";
      code.append(new Text(span.text));
      return code;
    }
    case "image":
      return image(span);
    default: {
      const element = span.type === "link" ? link(span) : make(span.type);
      for (const child of span.children) element.append(nodeFor(child, marks));
      return element;
    }
  }
}

/** Only addresses that cannot do anything but be visited. @param {Span} span */
function link({ href = "", title = "" }) {
  if (!ALLOWED.test(href)) {
    const refused = make("span", "refused");
    refused.title = href;
    return refused;
  }
  const anchor = /** @type {HTMLAnchorElement} */ (make("a"));
  anchor.href = href;
  if (title) anchor.title = title;
  if (!href.startsWith("#")) {
    anchor.target = "_blank";
    anchor.rel = "noopener noreferrer";
  }
  return anchor;
}

/** Never loaded: an address in an answer can carry the conversation away. @param {Span} span */
function image(span) {
  const chip = link(span);
  chip.classList.add("image");
  const alt = plain(span.children);
  chip.append(new Text(alt || span.href || words.image));
  chip.title = span.href ?? "";
  return chip;
}

/** @param {Span[]} spans @returns {string} */
function plain(spans) {
  return spans.map((span) => (span.type === "mark" ? "" : span.text + plain(span.children))).join("");
}
