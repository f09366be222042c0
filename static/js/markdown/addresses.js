// @ts-check
/** Web and mail addresses that stand in a text as they are. Pure. */

const AUTOLINK = /<([A-Za-z][A-Za-z0-9+.-]{1,31}:[^\s<>]*)>/y;
const MAIL =
  /<([a-zA-Z0-9.!#$%&'*+/=?^_`{|}~-]+@[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?(?:\.[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?)*)>/y;
const BARE = /https?:\/\/[^\s<>/?#][^\s<>]*/y;
const AFTER_SENTENCE = "?!.,:;'\"*_~`";

/** `<address>` @param {string} text @param {number} at @returns {{href: string, address: string, length: number} | null} */
export function scanAutolink(text, at) {
  AUTOLINK.lastIndex = MAIL.lastIndex = at;
  const link = AUTOLINK.exec(text);
  const match = link ?? MAIL.exec(text);
  if (!match) return null;
  const [all, address = ""] = match;
  return { href: link ? address : `mailto:${address}`, address, length: all.length };
}

/** `https://…`, without what belongs to the sentence around it. @param {string} text @param {number} at */
export function scanBare(text, at) {
  if (/\w/.test(text[at - 1] ?? "")) return null;
  BARE.lastIndex = at;
  const found = BARE.exec(text)?.[0];
  if (found === undefined) return null;
  let end = found.length;
  /** @type {Record<string, number>} how many more closing ones there are, once that matters */
  const more = {};
  for (; ; end -= 1) {
    const last = /** @type {string} */ (found[end - 1]);
    if (AFTER_SENTENCE.includes(last)) continue;
    if (last !== ")" && last !== "]") break;
    more[last] ??= balance(found, last === ")" ? "(" : "[", last);
    if (more[last] <= 0) break;
    more[last] -= 1;
  }
  const address = found.slice(0, end);
  return /^https?:\/\/[^\s/?#]/.test(address) ? address : null;
}

/** How many more closing ones there are. @param {string} text @param {string} open @param {string} close */
function balance(text, open, close) {
  let more = 0;
  for (const char of text) more += char === close ? 1 : char === open ? -1 : 0;
  return more;
}
