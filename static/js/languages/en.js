// @ts-check
/** English. The other languages have the same keys; `Texts` is their type. */

import { formats } from "./formats.js";

/** @typedef {typeof texts} Texts */
/** @typedef {{kind: string, prompt: string, sent?: string}} Example  `sent`: when it is not just the prompt */

const { number, measure, plural, dollars, size, moment, momentAtLength } = formats("en");
/** @param {number} ms */
const time = (ms) => (ms < 950 ? `${number(ms)} ms` : `${measure(ms / 1000)} s`);

/** @param {number} s */
const wait = (s) => {
  if (s < 100) return `${number(s)} s`;
  return s < 6000 ? `${number(Math.ceil(s / 60))} min` : `${number(Math.ceil(s / 3600))} h`;
};

export const texts = {
  /** Texts of index.html, by their `data-` name. */
  page: {
    tagline: "Ask. The answer will not get lost.",
    promise:
      "It is written on the server, not in this tab. Reload, change networks, close the lid: the text goes on where it stopped.",
    newChat: "New conversation",
    model: "Model",
    ask: "Ask Claude",
    message: "Message",
    placeholder: "Ask anything",
    hint: "Enter sends, Shift + Enter makes a new line",
    conversation: "Conversation",
    latest: "Jump to the latest",
    demoTitle: "Demo",
    demo: "Answers are simulated. Set ANTHROPIC_API_KEY to talk to Claude.",
    examples: "Examples",
    attach: "Attach files",
    attachments: "Attached files",
    settings: "Settings",
    dropHere: "Drop files to attach them",
    download: "Download",
    close: "Close",
    answers: "Answers",
    effort: "Effort",
    thinking: "Thinking",
    maxTokens: "Longest answer, in tokens",
    system: "System prompt",
    systemHint: "What Claude is told before everything else.",
    forNew: "System prompt and tools hold for conversations that begin from now on.",
    tools: "Tools",
    noTools: "This gateway has none.",
    thisPage: "This page",
    language: "Language",
    appearance: "Appearance",
    typing: "Text appears",
    spoken: "Screen readers read answers",
    singleKeys: "Shortcuts of a single key",
    reset: "Reset",
    shortcuts: "Keyboard shortcuts",
    signOut: "Sign out",
    signIn: "Sign in",
    token: "Access token",
    notNow: "Not now",
    kept: "What you have written stays where it is.",
    conversations: "Conversations",
    search: "Search conversations",
    noConversations: "What you ask is kept here, on this device.",
    earlier: "Earlier messages",
    showAll: "Show all",
    importFile: "Import",
    exportAll: "Export all",
    undo: "Undo",
    pinnedMark: "Pinned",
    writingMark: "An answer is being written",
    title: "Title",
    editPrompt: "Your question, in other words",
    cancel: "Cancel",
    askAgain: "Ask",
    edit: "Edit",
    copyPrompt: "Copy question",
    again: "Answer again",
  },

  /** What a reader who is here for the first time may want to ask. */
  examples: /** @type {Example[]} */ ([
    { kind: "Explain", prompt: "How does TCP notice that the other side is gone?" },
    { kind: "Compare", prompt: "A table of SSE, WebSockets and long polling: when which?" },
    { kind: "Write", prompt: "A small LRU cache in Python, with tests" },
  ]),
  exampleOfClaude: /** @type {Example} */ ({
    kind: "Think",
    prompt: "Why is the sky dark at night, if there are stars everywhere?",
  }),
  /** The simulator does what the directive says, so that recovery can be watched. */
  exampleOfDemo: /** @type {Example} */ ({
    kind: "Break it",
    prompt: "Cut the connection to Claude half-way and watch the answer go on",
    sent: "[[reset after=60 in=text]] Tell me how rivers find their way to the sea.",
  }),

  /** Conversations of this device. */
  untitled: "Untitled",
  nothingFound: "Nothing found",
  /** @param {number} n */
  found: (n) => plural(n, { one: "# conversation found", other: "# conversations found" }),
  period: {
    pinned: "Pinned",
    today: "Today",
    yesterday: "Yesterday",
    week: "Last seven days",
    month: "Last thirty days",
    older: "Older",
  },
  /** @param {string} title */
  windowTitle: (title) => `${title} · claude-gateway`,
  /** @param {string} title */
  actionsFor: (title) => `Actions for “${title}”`,
  rename: "Rename",
  pin: "Pin",
  unpin: "Unpin",
  exportMarkdown: "Export as Markdown",
  exportJson: "Export as JSON",
  delete: "Delete",
  /** @param {string} title */
  deleted: (title) => `Deleted “${title}”`,
  restored: "Conversation restored",
  sidebar: { open: "Show conversations", close: "Hide conversations" },
  allConversations: "Conversations",
  exported: {
    you: "You",
    /** @param {string} model */
    claude: (model) => (model ? `Claude (${model})` : "Claude"),
    attachment: "Attachment",
    sources: "Sources:",
  },
  imports: {
    /** @param {number} n */
    done: (n) => plural(n, { one: "# conversation imported", other: "# conversations imported" }),
    /** @param {number} bytes */
    tooLarge: (bytes) => `This file is too large: ${size(bytes)} is the most.`,
    foreign: "This is not a file of exported conversations.",
    /** @param {string} place */
    malformed: (place) => `Nothing was imported: the file is damaged at ${place}.`,
    unreadable: "This file cannot be read.",
    notStored: "The file could not be kept: this device has no room left.",
  },
  trouble: {
    full: "This device has no room left: what is said from now on is lost when you leave the page. Export or delete some conversations.",
    broken: "The browser cannot store conversations now: what is said from now on is lost when you leave the page.",
    offline: "You are offline. What you ask waits here until the network is back.",
    unreachable: "The gateway cannot be reached now. What you wrote is still here.",
    memory: "This browser keeps nothing: conversations last until you leave the page.",
    lost: "What was stored has been deleted, or opened by a newer page. Reload to go on.",
  },

  again: "Answer again",
  /** @param {string} model */
  againWith: (model) => `With ${model}`,
  /** @param {number} at @param {number} all */
  branches: (at, all) => `${number(at)} of ${number(all)}`,
  promptBranch: { previous: "Previous wording", next: "Next wording" },
  answerBranch: { previous: "Previous answer", next: "Next answer" },

  showLess: "Show less",
  /** When it was asked. @param {number} when  ms since 1970 */
  at: (when) => moment(when),
  /** @param {number} when  ms since 1970 */
  atLength: (when) => momentAtLength(when),

  send: "Send",
  stop: "Stop",
  stopping: "Stopping…",
  you: "You",
  /** @param {string} model */
  answerBy: (model) => (model ? `Assistant, ${model}` : "Assistant"),
  gatewaysModel: "The gateway’s model",

  state: {
    connecting: "Waiting for Claude",
    queued: "Waits until another answer has ended: this browser has no connection left",
    streaming: "Waiting for Claude",
    unanswered: "The gateway does not answer; it is being asked again",
    reconnecting: "Connection lost, picking up where it stopped",
    offline: "You are offline; this goes on when the network is back",
    stopping: "Stopping",
  },
  status: {
    thinking: "Claude is thinking",
    answering: "Answering",
    /** @param {number} words */
    complete: (words) => `Answer complete, ${plural(words, { one: "# word", other: "# words" })}`,
    stopped: "Stopped",
  },

  signIn: {
    why: "This gateway wants to know who is asking. Your access token comes from whoever runs it.",
    whyJwt:
      "This gateway wants to know who is asking. Sign in where its operator has told you to, and load this page again; or paste the token (a JWT) that you got there.",
    ended: "Your session has ended. Sign in, and all goes on where it was.",
    wrong: "This token is not known here. It may have been withdrawn, or a part of it is missing.",
    wrongJwt:
      "This token does not hold here. It may have ended, be meant for something else, or a part of it is missing.",
    /** @param {number} s */
    tooOften: (s) => `Too many attempts. Try again in ${wait(s)}.`,
    /** @param {string} name */
    as: (name) => `Signed in as ${name}`,
  },

  shortcuts: {
    send: "Send",
    newLine: "New line",
    stop: "Stop the answer",
    message: "To the text field",
    newChat: "New conversation",
    search: "Search conversations",
    sidebar: "Show or hide conversations",
    editLast: "Edit the last question (when the field is empty)",
    settings: "Settings",
    sheet: "This sheet",
  },

  attach: {
    kinds: { image: "Image", pdf: "PDF", text: "Text" },
    /** @param {number} bytes */
    size: (bytes) => size(bytes),
    /** @param {string} name */
    open: (name) => `Open ${name}`,
    /** @param {string} name */
    remove: (name) => `Remove ${name}`,
    reading: "A file is still being read.",
    waits: "waits for the gateway",
    notYet: "The gateway cannot be reached now. What is attached waits here until it can.",
    /** @param {string} name */
    wrongType: (name) => `${name} is neither an image, a PDF nor text, which is all Claude can read.`,
    /** @param {string} name @param {number} most */
    tooLarge: (name, most) => `${name} is too large: ${size(most)} is the most.`,
    /** @param {string} name */
    empty: (name) => `${name} is empty.`,
    /** @param {string} name */
    broken: (name) => `${name} cannot be read; it may be damaged.`,
    /** @param {number} most */
    tooMany: (most) =>
      plural(most, { one: "A message takes at most # image.", other: "A message takes at most # images." }),
    /** @param {number} most */
    tooMuch: (most) => `All files together may have ${size(most)} at most.`,
  },

  /** Why a choice is not to be had with this model. */
  cannot: {
    images: "takes no images",
    pdfs: "takes no PDFs",
    effort: "has no levels of effort",
    thisEffort: "does not have this level",
    thinking: "does not think",
    notThinking: "always thinks",
    notThinkingHard: "thinks from high effort on",
  },
  /** @param {string} choice @param {string} reason */
  unable: (choice, reason) => `${choice} (${reason})`,
  /** @param {string} model @param {string} reason */
  objection: (model, reason) => `${model} ${reason}. Choose another model or take the file out.`,

  /** @param {number} tokens */
  tokens: (tokens) => plural(tokens, { one: "# token", other: "# tokens" }),
  /** @param {number} over */
  tokensOver: (over) => `${plural(over, { one: "# token", other: "# tokens" })} too many`,
  /** @param {number} tokens @param {number} most */
  tokensOf: (tokens, most) =>
    `${number(tokens)} of ${number(most)} tokens that this model takes, conversation included`,

  /** Choices in the settings. */
  settingsChanged: "Settings, changed",
  modelsOwn: "As the model likes",
  efforts: { low: "Low", medium: "Medium", high: "High", xhigh: "Very high", max: "Greatest" },
  thinkings: { shown: "Shown", hidden: "Not shown", off: "Off" },
  appearances: { system: "Like the system", light: "Light", dark: "Dark" },
  paces: { smooth: "Smoothly", instant: "As it comes" },
  spoken: { off: "When asked to", on: "As they are written" },
  keys: { on: "On", off: "Off" },
  /** @param {number} usual @param {number} most */
  maxTokensHint: (usual, most) => `Usually ${number(usual)}, at most ${number(most)}.`,

  thinking: "Thinking",
  /** @param {number} ms */
  thought: (ms) => `Thought for ${time(ms)}`,
  /** @param {number} ms */
  thoughtAgain: (ms) => `Thought again for ${time(ms)}, to go on after the break`,
  /** @param {number} s */
  thinkingFor: (s) => `Thinking for ${number(s)} s`,
  /** @param {number} tokens */
  aboutTokens: (tokens) => `about ${plural(tokens, { one: "# token", other: "# tokens" })}`,
  thoughtBroken: "Thinking, cut off",
  thoughtHidden: "Claude kept this reasoning to itself.",

  /** Content blocks and tools of Claude's own, by name. */
  blocks: {
    web_search: "Web search",
    web_fetch: "Web page",
    code_execution: "Program",
    bash_code_execution: "Shell",
    text_editor_code_execution: "File editor",
    tool_search_tool_regex: "Search for tools",
    tool_search_tool_bm25: "Search for tools",
    compaction: "Earlier conversation, condensed",
    fallback: "Another model took over",
    mcp_tool_listing: "Tools of a server",
  },

  tool: {
    running: "running",
    done: "done",
    failed: "failed",
    writing: "being written",
    input: "Input",
    result: "Result",
    /** @param {number} code */
    returned: (code) => `Ended with code ${number(code)}`,
  },

  copy: "Copy",
  copyTable: "Copy table",
  copied: "Copied",
  wrap: "Wrap",
  /** @param {string} label */
  footnote: (label) => `Footnote ${label}`,
  /** @param {string} label */
  footnoteBack: (label) => `Back to footnote ${label}`,
  table: "Table",
  taskDone: "done",
  taskOpen: "not done",
  image: "Image",

  seam: "The connection to Claude broke here; what follows was asked for again.",
  /** @param {string} reason @param {number} attempt */
  retry: (reason, attempt) =>
    `Claude could not go on (${reason.replaceAll("_", " ")}); asked again, attempt ${attempt}`,

  stopReason: {
    max_tokens: "Stopped at the length limit.",
    refusal: "Claude declined to answer this.",
    cancelled: "Stopped.",
    abandoned: "Nobody was reading any more, so this was stopped.",
    pause_turn: "Claude paused here.",
    tool_use: "Claude called a tool that does not run here, and waits for its result.",
    model_context_window_exceeded: "The conversation has filled the model’s context.",
  },
  /** @param {string} reason */
  stoppedFor: (reason) => `Stopped: ${reason.replaceAll("_", " ")}.`,
  /** What the reader can do. */
  stopHint: {
    refusal:
      "Ask in another way, or take another model. What was written before this point is not an answer to rely on.",
    model_context_window_exceeded: "Begin a new conversation, or ask a model that takes more.",
  },
  refusedFor: {
    cyber: "Attacks on computers",
    bio: "Dangers to life",
    frontier_llm: "Building large language models",
    reasoning_extraction: "Extracting reasoning",
    general_harms: "Harm to people",
  },

  /** By error type: what happened, and whose matter it is. */
  fault: {
    network_error: [
      "The gateway cannot be reached",
      "It is down, or something between here and there is. Nothing you wrote is lost.",
    ],
    interrupted: [
      "Interrupted",
      "The gateway no longer knows this answer: it restarted, or too much time has passed. What arrived is kept.",
    ],
    invalid_request_error: ["This could not be asked", "Something about the request itself is not acceptable."],
    authentication_error: ["Not signed in", "This gateway wants to know who is asking."],
    signed_out_elsewhere: [
      "You are signed out",
      "What stands in front of this gateway signs people in. Do that there, then load this page again; your draft is kept.",
    ],
    no_models: ["There is no model to ask", "That is for whoever runs this gateway: GATEWAY_MODELS names them."],
    permission_error: ["Not allowed", "This gateway does not accept requests like this one."],
    not_found_error: ["Not found", "What was asked for does not exist here."],
    request_too_large: ["Too large", "The conversation has outgrown what the gateway accepts."],
    rate_limit_error: ["Too many requests", "A limit was reached. It passes by itself."],
    overloaded_error: [
      "Claude is overloaded",
      "Not your fault, and nothing is wrong with your request. It usually passes soon.",
    ],
    timeout_error: ["Claude took too long", "Not your fault. Asking again often helps."],
    api_error: ["Something broke on the way", "Not your fault: it happened at the gateway or at Claude."],
  },
  goOn: "Continue",
  /** What the reader then says; Claude's current models take no half answer to complete. */
  goOnPrompt: "Continue exactly where you stopped.",
  copyAnswer: "Copy answer",
  verified: "intact",
  verifiedWhy: "The checksum of what arrived is the one the gateway sent",
  damaged: "What arrived differs from what the gateway sent.",
  /** @param {number} n */
  citation: (n) => `Source ${n}`,
  /** @param {number} from @param {number} to */
  pages: (from, to) => (to > from ? `pages ${number(from)}–${number(to)}` : `page ${number(from)}`),
  tryAgain: "Try again",
  reword: "Edit the question",
  /** @param {number} s */
  tryAgainIn: (s) => `Try again in ${wait(s)}`,
  /** @param {string} id */
  requestId: (id) => `Request ${id}`,

  meta: {
    /** @param {number} ms */
    ttft: (ms) => `${time(ms)} to first token`,
    /** @param {number} rate */
    rate: (rate) => `${measure(rate)} tok/s`,
    /** @param {number} n */
    input: (n) => `${number(n)} in`,
    /** @param {number} n */
    output: (n) => `${number(n)} out`,
    /** @param {number} n */
    cached: (n) => `${number(n)} cached`,
    /** @param {number} usd */
    cost: (usd) => dollars(usd),
  },
};
