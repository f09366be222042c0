// @ts-check
/** The way back: a transcript as the events that it could be a fold of. Pure. */

/**
 * @typedef {import("./events.js").ChatEvent} ChatEvent
 * @typedef {import("./transcript.js").Block} Block
 * @typedef {import("./transcript.js").Transcript} Transcript
 */

/**
 * Events whose fold is this transcript again, as far as it can be seen.
 *
 * @param {Transcript} transcript
 * @returns {ChatEvent[]}
 */
export function unfold(transcript) {
  /** @type {ChatEvent[]} */
  const events = [];
  if (transcript.id !== null) {
    events.push({ type: "start", id: transcript.id, model: transcript.model ?? "", message_id: null });
  }
  for (const step of transcript.steps) {
    if ("result" in step) events.push(step.result);
    else events.push(...unfoldBlock(transcript.blocks.find(({ index }) => index === step.block)));
  }
  if (transcript.usage) events.push({ ...transcript.usage, type: "usage" });
  if (transcript.terminal) events.push(transcript.terminal);
  return events;
}

/**
 * @param {Block | undefined} block
 * @returns {ChatEvent[]}
 */
function unfoldBlock(block) {
  if (!block || block.state === "void") return [];
  const { index, turn, kind, extra, text, tokens, whole, stopMs } = block;
  /** @type {ChatEvent[]} */
  const events = [];
  const name = {
    ...(block.id === undefined ? {} : { id: block.id }),
    ...(block.name === undefined ? {} : { name: block.name }),
  };
  events.push({ type: "block_start", index, turn, kind, at_ms: block.startMs, extra, ...name });
  if (kind === "text") {
    let from = 0;
    for (const offset of block.seams) {
      if (offset > from) events.push({ type: "text", index, text: text.slice(from, offset) });
      events.push({ type: "seam", index, offset, trimmed: 0, attempt: 0, mode: "" });
      from = offset;
    }
    if (from < text.length) events.push({ type: "text", index, text: text.slice(from) });
  } else if (kind === "thinking") {
    const estimate = tokens === undefined ? {} : { estimated_tokens: tokens };
    if (text || tokens) events.push({ type: "thinking", index, thinking: text, ...estimate });
  } else if (text) {
    events.push({ type: "tool_input", index, partial_json: text });
  }
  for (const citation of block.citations) events.push({ type: "citation", index, citation });
  if (block.signature !== null) events.push({ type: "signature", index, signature: block.signature });
  if (whole?.type === "tool_use") events.push(/** @type {any} */ ({ ...whole, index }));
  else if (whole) events.push({ type: "block", index, block: whole });
  if (stopMs !== null) events.push({ type: "block_stop", index, at_ms: stopMs });
  return events;
}
