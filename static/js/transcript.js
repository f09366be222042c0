// @ts-check
/**
 * What a generation has said so far: a fold of its events.
 *
 *   transcript = apply(transcript, event)      a new value each time; the old one stays as it was
 *   turns(transcript)                          Claude's messages, ready to be appended to a conversation
 *   unfold(transcript)                         events that draw it again (after a reload)
 *
 * Pure, and plain JSON, so that a transcript can be stored as it is. It mirrors the gateway's own fold:
 *
 *   - blocks keep their index; a block that a `retry` discards is void, its successor has a new index
 *   - a `seam` lets a text block go on; thinking that came after such a break was signed in another context and
 *     is shown, but never sent back
 *   - what is unfinished (a call that was cut off, thinking without signature) is shown, never sent back
 */

/**
 * @typedef {import("./events.js").ChatEvent} ChatEvent
 * @typedef {import("./events.js").Json} Json
 * @typedef {import("./events.js").Terminal} Terminal
 * @typedef {import("./events.js").ToolResult} ToolResult
 */

/**
 * @typedef {object} Block
 * @property {number} index
 * @property {string} kind  Claude's block type
 * @property {string} text  a text block's text, a thinking block's thinking, or the input of a call as it is written
 * @property {string | null} signature
 * @property {Json[]} citations
 * @property {Json | null} whole  the block as Claude sent it, once it is known whole (calls, results, unknown kinds)
 * @property {string} [name]
 * @property {string} [id]
 * @property {number} startMs
 * @property {number | null} stopMs  null while it is being written
 * @property {boolean} discarded
 * @property {boolean} continued  begun after a break that text survived
 * @property {number[]} seams  offsets in `text`, in UTF-16 code units, where new model text goes on
 */

/** @typedef {{result: ToolResult} | {block: number}} Step  what came when: calls answered by the gateway end a turn */

/**
 * @typedef {object} Transcript
 * @property {string | null} id
 * @property {string | null} model
 * @property {Block[]} blocks  in order of appearance
 * @property {Step[]} steps
 * @property {Json | null} usage
 * @property {number} retries
 * @property {boolean} continuing  a break happened after text, and no new turn has begun since
 * @property {Terminal | null} terminal
 */

/** @typedef {{role: "user" | "assistant", content: string | Json[]}} Message */

/** @returns {Transcript} */
export function empty() {
  return {
    id: null,
    model: null,
    blocks: [],
    steps: [],
    usage: null,
    retries: 0,
    continuing: false,
    terminal: null,
  };
}

/**
 * @param {Transcript} transcript
 * @param {ChatEvent} event
 * @returns {Transcript}
 */
export function apply(transcript, event) {
  if (transcript.terminal) return transcript; // nothing follows an ending
  switch (event.type) {
    case "start":
      return { ...transcript, id: event.id, model: event.model };
    case "block_start":
      return begin(transcript, event);
    case "text":
      return change(transcript, event.index, (block) => ({ text: block.text + event.text }));
    case "thinking":
      return change(transcript, event.index, (block) => ({ text: block.text + event.thinking }));
    case "tool_input":
      return change(transcript, event.index, (block) => ({ text: block.text + event.partial_json }));
    case "signature": // replaces: Claude sends it whole
      return change(transcript, event.index, () => ({ signature: event.signature }));
    case "citation":
      return change(transcript, event.index, (block) => ({ citations: [...block.citations, event.citation] }));
    case "tool_use": {
      const { index, ...whole } = event;
      // `input: null` says that Claude was cut off inside the call: a call that must not be made or sent back
      return change(transcript, index, () => (event.input === null ? {} : { whole }));
    }
    case "block":
      return change(transcript, event.index, () => ({ whole: event.block }));
    case "block_stop":
      return change(transcript, event.index, () => ({ stopMs: event.at_ms }));
    case "tool_result":
      return { ...transcript, steps: [...transcript.steps, { result: event }], continuing: false };
    case "usage": {
      const { type: _, ...usage } = event;
      return { ...transcript, usage }; // a running total: overwrite, never add
    }
    case "retry":
      return discard(transcript, event.discard ?? []);
    case "seam":
      return change(transcript, event.index, (block) => ({ seams: [...block.seams, event.offset], stopMs: null }));
    case "error":
    case "done":
      return { ...transcript, terminal: event, usage: event.usage ?? transcript.usage };
    default:
      return transcript;
  }
}

/**
 * @param {Transcript} transcript
 * @param {{index: number, kind: string, at_ms: number, id?: string, name?: string}} event
 * @returns {Transcript}
 */
function begin(transcript, { index, kind, at_ms, id, name }) {
  /** @type {Block} */
  const block = {
    index,
    kind,
    text: "",
    signature: null,
    citations: [],
    whole: null,
    startMs: at_ms,
    stopMs: null,
    discarded: false,
    continued: transcript.continuing,
    seams: [],
    ...(id === undefined ? {} : { id }),
    ...(name === undefined ? {} : { name }),
  };
  return {
    ...transcript,
    blocks: [...transcript.blocks, block],
    steps: [...transcript.steps, { block: index }],
  };
}

/**
 * @param {Transcript} transcript
 * @param {number} index
 * @param {(block: Block) => Partial<Block>} how
 * @returns {Transcript}
 */
function change(transcript, index, how) {
  const at = transcript.blocks.findLastIndex((block) => block.index === index);
  const old = transcript.blocks[at];
  if (old === undefined) return transcript; // a block that never began: not ours to invent
  const blocks = transcript.blocks.slice();
  blocks[at] = { ...old, ...how(old) };
  return { ...transcript, blocks };
}

/**
 * @param {Transcript} transcript
 * @param {number[]} indices
 * @returns {Transcript}
 */
function discard(transcript, indices) {
  const blocks = transcript.blocks.map((block) =>
    indices.includes(block.index) ? { ...block, discarded: true } : block,
  );
  const survived = blocks.some((block) => !block.discarded && block.kind === "text" && block.text !== "");
  return {
    ...transcript,
    blocks,
    retries: transcript.retries + 1,
    continuing: transcript.continuing || survived,
  };
}

/** Everything the answer says, without reasoning and calls. @param {Transcript} transcript */
export function plainText(transcript) {
  return transcript.blocks
    .filter((block) => block.kind === "text" && !block.discarded)
    .map((block) => block.text)
    .join("");
}

/**
 * One block as Claude takes it back, or null when it cannot be sent.
 *
 * @param {Block} block
 * @returns {Json | null}
 */
function claudeBlock(block) {
  if (block.discarded) return null;
  switch (block.kind) {
    case "text": // Claude refuses text blocks without anything but white space
      if (block.text.trim() === "") return null;
      return block.citations.length > 0
        ? { type: "text", text: block.text, citations: block.citations }
        : { type: "text", text: block.text };
    case "thinking":
      if (block.signature === null || block.continued) return null;
      return { type: "thinking", thinking: block.text, signature: block.signature };
    case "redacted_thinking":
      return block.continued ? null : block.whole;
    default:
      return block.whole;
  }
}

/**
 * The conversation's messages that this generation adds: none when it said nothing that can be sent back.
 *
 * @param {Transcript} transcript
 * @returns {Message[]}
 */
export function turns(transcript) {
  const answered = new Set();
  for (const step of transcript.steps) if ("result" in step) answered.add(step.result.tool_use_id);
  for (const { whole } of transcript.blocks) if (whole?.tool_use_id) answered.add(whole.tool_use_id);

  /** @type {Message[]} */
  const messages = [];
  /** @type {Json[]} */
  let content = [];
  /** @param {"user" | "assistant"} role */
  const close = (role) => {
    const says = content.some(({ type }) => type !== "thinking" && type !== "redacted_thinking");
    if (says) messages.push({ role, content }); // reasoning that led to nothing is not a turn
    content = [];
  };
  /** @type {"user" | "assistant"} */
  let role = "assistant";
  for (const step of transcript.steps) {
    const next = "result" in step ? "user" : "assistant";
    if (next !== role) close(role);
    role = next;
    if ("result" in step) {
      const { tool_use_id, content: result, is_error } = step.result;
      content.push({ type: "tool_result", tool_use_id, content: result, ...(is_error ? { is_error } : {}) });
      continue;
    }
    const block = transcript.blocks.find(({ index }) => index === step.block);
    const whole = block && claudeBlock(block);
    // a call that nobody answered would make Claude refuse the whole conversation
    if (whole && (!/tool_use$/.test(whole.type) || answered.has(whole.id))) content.push(whole);
  }
  close(role);
  return messages;
}

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
  if (!block || block.discarded) return [];
  const { index, kind, text, whole, stopMs } = block;
  /** @type {ChatEvent[]} */
  const events = [];
  const name = {
    ...(block.id === undefined ? {} : { id: block.id }),
    ...(block.name === undefined ? {} : { name: block.name }),
  };
  events.push({ type: "block_start", index, kind, at_ms: block.startMs, ...name });
  if (kind === "text") {
    let from = 0;
    for (const offset of block.seams) {
      if (offset > from) events.push({ type: "text", index, text: text.slice(from, offset) });
      events.push({ type: "seam", index, offset, trimmed: 0, attempt: 0, mode: "" });
      from = offset;
    }
    if (from < text.length) events.push({ type: "text", index, text: text.slice(from) });
  } else if (kind === "thinking") {
    if (text) events.push({ type: "thinking", index, thinking: text });
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
