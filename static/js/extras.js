// @ts-check
/**
 * highlight.js and KaTeX: loaded when they are first needed, done without where they are not there.
 *
 * The gateway says in a <meta> where they are, or nothing, when it was installed without them.
 */

/** @typedef {{highlight(code: string, options: object): {_emitter: any}, configure(options: object): void, getLanguage(name: string): unknown, registerLanguage(name: string, grammar: unknown): void}} Highlighter */
/** @typedef {{__renderToDomTree(tex: string, options: object): any}} Katex */

/** By what people write behind a fence; other names are the files' own. */
const ALIASES = new Map(
  [
    ["bash", "sh zsh"],
    ["c", "h"],
    ["clojure", "clj cljs edn"],
    ["cpp", "c++ cc cxx hpp"],
    ["csharp", "cs c# dotnet"],
    ["diff", "patch"],
    ["dockerfile", "docker containerfile"],
    ["elixir", "ex exs"],
    ["erlang", "erl"],
    ["fsharp", "fs f#"],
    ["go", "golang"],
    ["graphql", "gql"],
    ["haskell", "hs"],
    ["http", "https"],
    ["ini", "toml cfg conf"],
    ["javascript", "js jsx mjs cjs node"],
    ["json", "jsonc json5 jsonl"],
    ["julia", "jl"],
    ["kotlin", "kt kts"],
    ["latex", "tex"],
    ["lisp", "elisp scheme racket"],
    ["makefile", "make mk"],
    ["markdown", "md"],
    ["objectivec", "objc obj-c mm"],
    ["ocaml", "ml"],
    ["perl", "pl"],
    ["powershell", "ps1 pwsh ps"],
    ["protobuf", "proto"],
    ["python", "py py3 python3 gyp"],
    ["ruby", "rb"],
    ["rust", "rs"],
    ["shell", "console shellsession terminal"],
    ["sql", "mysql postgres postgresql sqlite plsql"],
    ["typescript", "ts tsx mts"],
    ["vbnet", "vb"],
    ["wasm", "wat"],
    ["x86asm", "asm nasm"],
    ["xml", "html xhtml svg rss vue svelte"],
    ["yaml", "yml"],
  ].flatMap(([file = "", names = ""]) =>
    names.split(" ").map((name) => /** @type {[string, string]} */ ([name, file])),
  ),
);
const FILES = new Set([
  ...ALIASES.values(),
  ..."cmake css dart gradle groovy java less lua matlab nginx nix php r scala scss swift verilog vim".split(" "),
]);
/** What stands inside of what. */
const INSIDE = /** @type {Record<string, string[]>} */ ({
  xml: ["css", "javascript"],
  markdown: ["xml"],
  php: ["xml"],
  shell: ["bash"],
});

/** @type {Map<string, Promise<any>>} */
const loaded = new Map();

/** @param {string} name @returns {string | null} */
function address(name) {
  const base = /** @type {HTMLMetaElement | null} */ (document.querySelector('meta[name="extras"]'))?.content;
  return base ? new URL(`${base}${name}`, document.baseURI).href : null;
}

/** @param {string} name @returns {Promise<any>} the module, or null when it cannot be had */
function load(name) {
  const url = address(name);
  const loading = loaded.get(name) ?? (url === null ? Promise.resolve(null) : import(url).catch(() => null));
  loaded.set(name, loading);
  return loading;
}

/** @param {string} language  as written behind a fence */
function fileOf(language) {
  const name = language.toLowerCase();
  return ALIASES.get(name) ?? (FILES.has(name) ? name : null);
}

/**
 * Something that colours code of a language.
 *
 * @param {string} language  as written behind a fence
 * @returns {Promise<{highlighter: Highlighter, language: string} | null>}
 */
export async function highlighterOf(language) {
  const file = fileOf(language);
  const highlighter = /** @type {Highlighter | null} */ (file && (await load("highlight/core.js"))?.default);
  if (!file || !highlighter) return null;
  for (const name of [...(INSIDE[file] ?? []), file]) {
    if (highlighter.getLanguage(name)) continue;
    const grammar = (await load(`highlight/${name}.js`))?.default;
    if (grammar) highlighter.registerLanguage(name, grammar);
  }
  return highlighter.getLanguage(file) ? { highlighter, language: file } : null;
}

/** Something that sets formulas. @returns {Promise<Katex | null>} */
export async function katex() {
  const url = address("katex/katex.css");
  if (url === null) return null;
  if (!loaded.has("katex.css")) {
    const sheet = document.createElement("link");
    sheet.rel = "stylesheet";
    sheet.href = url;
    loaded.set("katex.css", new Promise((resolve) => (sheet.onload = sheet.onerror = resolve)));
    document.head.append(sheet);
  }
  await Promise.all([load("katex/katex.js"), loaded.get("katex.css")]);
  return /** @type {any} */ (globalThis).katex ?? null; // it is a script that knows no modules
}
