// @ts-check
/** Conversations in the order in which one looks for them: pinned, then by when something last happened. Pure. */

/** @typedef {import("./tree.js").Conversation} Conversation */
/** @typedef {"pinned" | "today" | "yesterday" | "week" | "month" | "older"} Period */

/**
 * @param {readonly Conversation[]} conversations
 * @param {number} now  ms since 1970
 * @returns {{period: Period, conversations: Conversation[]}[]}  none empty
 */
export function byPeriod(conversations, now) {
  const day = new Date(now);
  day.setHours(0, 0, 0, 0);
  /** @param {number} days */
  const ago = (days) => new Date(day.getFullYear(), day.getMonth(), day.getDate() - days).getTime();
  /** @type {[Period, number][]} */
  const begins = [
    ["today", ago(0)],
    ["yesterday", ago(1)],
    ["week", ago(7)],
    ["month", ago(30)],
    ["older", -Infinity],
  ];
  /** @type {Map<Period, Conversation[]>} */
  const groups = new Map([["pinned", []], ...begins.map(([period]) => /** @type {[Period, []]} */ ([period, []]))]);
  for (const conversation of [...conversations].sort((a, b) => b.changed - a.changed || (a.id < b.id ? -1 : 1))) {
    const [period] = conversation.pinned
      ? ["pinned"]
      : (begins.find(([, begin]) => conversation.changed >= begin) ?? ["older"]);
    groups.get(/** @type {Period} */ (period))?.push(conversation);
  }
  return [...groups]
    .filter(([, members]) => members.length > 0)
    .map(([period, members]) => ({ period, conversations: members }));
}
