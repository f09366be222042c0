// @ts-check
/** What of a transcript is sent back to Claude: its messages, in its own shape. Pure. */

/**
 * @typedef {import("./events.js").Json} Json
 * @typedef {import("./transcript.js").Block} Block
 * @typedef {import("./transcript.js").Transcript} Transcript
 */

/** @typedef {{role: "user" | "assistant", content: string | Json[]}} Message */

/** Blocks that are for the model alone that wrote them. */
const OF_THE_MODEL_BEFORE = ["thinking", "redacted_thinking", "tool_use"];

/**
 * One block as Claude takes it back, or null when it cannot be sent.
 *
 * @param {Block} block
 * @returns {Json | null}
 */
function claudeBlock({ kind, text, extra, signature, citations, whole, stopMs }) {
  switch (kind) {
    case "text": // Claude refuses text blocks without anything but white space
      if (text.trim() === "") return null;
      return { type: "text", text, ...extra, ...(citations.length > 0 ? { citations } : {}) };
    case "thinking":
      return signature === null || stopMs === null ? null : { type: "thinking", thinking: text, ...extra, signature };
    default: // `input: null`: Claude was cut off inside the call
      return stopMs === null || whole?.input === null ? null : whole;
  }
}

/**
 * The conversation's messages that this generation adds: none when it said nothing that can be sent back.
 *
 * @param {Transcript} transcript
 * @returns {Message[]}
 */
export function turns(transcript) {
  /** @type {Map<string, Json>} */
  const results = new Map();
  for (const step of transcript.steps) {
    if (!("result" in step)) continue;
    const { tool_use_id, content, is_error } = step.result;
    results.set(tool_use_id, { type: "tool_result", tool_use_id, content, ...(is_error ? { is_error } : {}) });
  }
  /** @type {Map<number, Json[]>} */
  const said = new Map();
  for (const block of transcript.blocks.toSorted((a, b) => a.index - b.index)) {
    const whole = block.state === "standing" ? claudeBlock(block) : null;
    if (whole) said.set(block.turn, [...(said.get(block.turn) ?? []), whole]);
  }
  return [...said]
    .sort(([a], [b]) => a - b)
    .flatMap(([, blocks]) => {
      // What a model thought and called before another one took over is not for sending back.
      const takenOver = blocks.findLastIndex(({ type }) => type === "fallback");
      const content = blocks.filter(({ type }, at) => at >= takenOver || !OF_THE_MODEL_BEFORE.includes(type));
      const answers = content.flatMap(({ type, id }) => (type === "tool_use" && results.get(id)) || []);
      return [
        /** @type {Message} */ ({ role: "assistant", content }),
        ...(answers.length > 0 ? [/** @type {Message} */ ({ role: "user", content: answers })] : []),
      ];
    });
}
