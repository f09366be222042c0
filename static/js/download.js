// @ts-check
/** What the reader takes away as a file. */

/** ms: a browser has begun a download by then */
const BEGUN = 60_000;
/** characters of a file's name */
const LONGEST_NAME = 80;

/** Let the reader keep a file. @param {Blob} blob @param {string} title @param {string} kind  what its name ends with */
export function download(blob, title, kind) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = `${fileName(title)}.${kind}`;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), BEGUN);
}

/** Without what some system refuses in a name, or takes for a path. @param {string} title */
function fileName(title) {
  const plain = title
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is to go
    .replace(/[\\/:*?"<>|\u0000-\u001f\u007f\u200e\u200f\u202a-\u202e\u2066-\u2069]+/g, " ")
    .replace(/\s+/g, " ")
    .replace(/^[\s.]+|[\s.]+$/g, "");
  return Array.from(plain).slice(0, LONGEST_NAME).join("").trim() || "conversation";
}
