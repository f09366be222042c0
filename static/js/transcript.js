// @ts-check
/**
 * What a generation has said so far: a fold of its events.
 *
 *   transcript = apply(transcript, event)      a new value each time; the old one stays as it was
 *   turns(transcript)                          Claude's messages, ready to be appended to a conversation (turns.js)
 *   unfold(transcript)                         events that draw it again, after a reload (unfold.js)
 *
 * Pure, and plain JSON, so that a transcript can be stored as it is. It follows the rules of the gateway's own fold:
 *
 *   - a block belongs to the assistant message (`turn`) that its `block_start` names; results of tools form the user
 *     message between two assistant messages, in the order of the calls
 *   - a block that a `retry` discards is void, its successor has a new index
 *   - a `seam` lets a text block go on. What is thought in a turn after a `retry` that left something of it standing, or
 *     after a `seam`, is the continuation's own: it was signed in another context, is shown, and never sent back
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
 * @property {number} turn  the assistant message it belongs to, counted from 0
 * @property {string} kind  Claude's block type
 * @property {Json} extra  further fields of a text or thinking block, as Claude began it
 * @property {string} text  a text block's text, a thinking block's thinking, or the input of a call as it is written
 * @property {number} [tokens]  about how many a thinking block has, where Claude was asked to estimate
 * @property {string | null} signature
 * @property {Json[]} citations
 * @property {Json | null} whole  the block as Claude sent it, once it is known whole (calls, results, unknown kinds)
 * @property {string} [name]
 * @property {string} [id]
 * @property {number} startMs
 * @property {number | null} stopMs  null while it is being written
 * @property {"standing" | "void" | "aside"} state  void: discarded; aside: a continuation's own thinking
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
 * @property {number[] | null} since  the thinking that came since the last `retry`, until text tells whose it is
 * @property {number | null} continued  the turn that a seam lets go on
 * @property {Terminal | null} terminal
 */

/** @returns {Transcript} */
export function empty() {
  return {
    id: null,
    model: null,
    blocks: [],
    steps: [],
    usage: null,
    retries: 0,
    since: null,
    continued: null,
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
      return change(transcript, event.index, (block) => ({
        text: block.text + event.thinking,
        ...(event.estimated_tokens ? { tokens: (block.tokens ?? 0) + event.estimated_tokens } : {}),
      }));
    case "tool_input":
      return change(transcript, event.index, (block) => ({ text: block.text + event.partial_json }));
    case "signature": // replaces: Claude sends it whole
      return change(transcript, event.index, () => ({ signature: event.signature }));
    case "citation":
      return change(transcript, event.index, (block) => ({ citations: [...block.citations, event.citation] }));
    case "tool_use": {
      const { index, ...whole } = event;
      return change(transcript, index, () => ({ whole }));
    }
    case "block":
      return change(transcript, event.index, () => ({ whole: event.block }));
    case "block_stop":
      return change(transcript, event.index, () => ({ stopMs: event.at_ms }));
    case "tool_result":
      return { ...transcript, steps: [...transcript.steps, { result: event }] };
    case "usage": {
      const { type: _, ...usage } = event;
      return { ...transcript, usage }; // a running total: overwrite, never add
    }
    case "retry":
      return discard(transcript, event.discard ?? []);
    case "seam":
      return join(transcript, event);
    case "error":
    case "done":
      return { ...transcript, terminal: event, usage: event.usage ?? transcript.usage };
    default:
      return transcript;
  }
}

/**
 * @param {Transcript} transcript
 * @param {import("./events.js").BlockStart} event
 * @returns {Transcript}
 */
function begin(transcript, { index, kind, at_ms, id, name, turn = 0, extra = {} }) {
  const thinks = isThinking(kind);
  /** @type {Block} */
  const block = {
    index,
    turn,
    kind,
    extra,
    text: "",
    signature: null,
    citations: [],
    whole: null,
    startMs: at_ms,
    stopMs: null,
    state: thinks && turn === transcript.continued ? "aside" : "standing",
    seams: [],
    ...(id === undefined ? {} : { id }),
    ...(name === undefined ? {} : { name }),
  };
  const { since } = transcript;
  return {
    ...transcript,
    blocks: [...transcript.blocks, block],
    steps: [...transcript.steps, { block: index }],
    since: since === null || kind === "text" ? null : thinks ? [...since, index] : since, // text: Claude began anew
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

/** @param {Transcript} transcript @param {number[]} indices @returns {Transcript} */
function discard(transcript, indices) {
  const blocks = transcript.blocks.map((block) =>
    indices.includes(block.index) ? { ...block, state: /** @type {const} */ ("void") } : block,
  );
  const turn = Math.max(0, ...blocks.map((block) => block.turn));
  const stands = blocks.some(
    (block) =>
      block.turn === turn &&
      block.state === "standing" &&
      (block.kind === "text" ? block.text !== "" : !isThinking(block.kind)),
  );
  return { ...transcript, blocks, retries: transcript.retries + 1, since: [], continued: stands ? turn : null };
}

/** @param {Transcript} transcript @param {import("./events.js").Seam} event @returns {Transcript} */
function join(transcript, { index, offset }) {
  const own = transcript.since ?? [];
  const blocks = transcript.blocks.map((block) =>
    own.includes(block.index) ? { ...block, state: /** @type {const} */ ("aside") } : block,
  );
  const continued = blocks.findLast((block) => block.index === index)?.turn ?? null;
  const joined = { ...transcript, blocks, since: null, continued };
  return change(joined, index, (block) => ({ seams: [...block.seams, offset], stopMs: null }));
}

/** @param {string} kind */
const isThinking = (kind) => kind === "thinking" || kind === "redacted_thinking";

/** Everything the answer says, without reasoning and calls. @param {Transcript} transcript */
export function plainText(transcript) {
  return transcript.blocks
    .filter((block) => block.kind === "text" && block.state === "standing")
    .map((block) => block.text)
    .join("");
}
