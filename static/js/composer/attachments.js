// @ts-check
/**
 * Files on their way to Claude: told apart, checked, made fit, and turned into content blocks.
 *
 * What the gateway takes comes from GET /api/config. Images in other formats, or larger than Claude takes, are drawn
 * anew; what is neither image nor PDF is text if it reads as UTF-8. One file at a time, and decoding and encoding are
 * the browser's own threads' work: a page under `trusted-types 'none'` cannot start a worker, and needs none.
 */

/** @typedef {import("../events.js").Json} Json */
/** @typedef {import("../settings/options.js").Limits} Limits */
/** @typedef {"image" | "pdf" | "text"} Kind */
/** Plain JSON, so that a draft can be stored. @typedef {{name: string, kind: Kind, bytes: number, block: Json}} Attachment */
/** @typedef {"type" | "size" | "broken" | "empty"} Why */

/** px: up to this length of its longer edge Claude takes an image into any request, however many others it has */
const EDGE = 2000;
const QUALITY = 0.88;
/** times that an image is made smaller still, when it has too many bytes */
const TRIES = 4;

/** A file that cannot be sent. */
export class Refused extends Error {
  /** @param {Why} why @param {number} [most]  bytes */
  constructor(why, most = 0) {
    super(why);
    this.why = why;
    this.most = most;
  }
}

/** Characters that 3 bytes take in base64: 4. @param {number} bytes */
export const encodedSize = (bytes) => Math.ceil(bytes / 3) * 4;

/** @param {{type: string, name: string}} file @returns {Kind} */
export function kindOf({ type, name }) {
  if (type === "application/pdf" || /\.pdf$/i.test(name)) return "pdf";
  // the markup of a vector image is text; Claude takes only pixels as image
  return type.startsWith("image/") && type !== "image/svg+xml" ? "image" : "text";
}

/**
 * The size in which an image is sent.
 *
 * @param {number} width @param {number} height @param {number} edge
 * @returns {{width: number, height: number}}
 */
export function fit(width, height, edge) {
  const scale = Math.min(1, edge / Math.max(width, height));
  return { width: Math.max(1, Math.round(width * scale)), height: Math.max(1, Math.round(height * scale)) };
}

/**
 * @param {File} file
 * @param {Limits} limits
 * @returns {Promise<Attachment>}
 * @throws {Refused} it cannot be sent
 */
export async function read(file, limits) {
  const kind = kindOf(file);
  if (file.size === 0) throw new Refused("empty");
  if (kind === "image") {
    const blob = await pixels(file, limits.images);
    const source = { type: "base64", media_type: blob.type, data: await base64(blob) };
    return { name: file.name, kind, bytes: blob.size, block: { type: "image", source } };
  }
  const most = limits.max_body_bytes * (kind === "pdf" ? 0.75 : 1);
  if (file.size > most) throw new Refused("size", most);
  const source =
    kind === "pdf"
      ? { type: "base64", media_type: "application/pdf", data: await base64(file) }
      : { type: "text", media_type: "text/plain", data: await plain(file) };
  if (!limits.documents.media_types.includes(source.media_type)) throw new Refused("type");
  const block = { type: "document", source, title: file.name, citations: { enabled: true } };
  return { name: file.name, kind, bytes: file.size, block };
}

/**
 * The image itself if Claude takes it as it is, or drawn anew.
 *
 * @param {File} file
 * @param {Limits["images"]} limits
 * @returns {Promise<Blob>}
 */
async function pixels(file, limits) {
  const edge = Math.min(EDGE, limits.max_edge);
  const known = limits.media_types.includes(file.type);
  const { width, height } = await size(file, known);
  const small = Math.max(width, height) <= edge && encodedSize(file.size) <= limits.max_bytes;
  if (known && small) return file;
  // a photograph stays one; what may have sharp edges or transparency is kept exactly while that fits
  let type = file.type === "image/jpeg" ? file.type : "image/png";
  let { width: w, height: h } = fit(width, height, edge);
  for (let n = 0; n < TRIES; n += 1) {
    const blob = await draw(file, w, h, type);
    if (encodedSize(blob.size) <= limits.max_bytes) return blob;
    if (type === "image/jpeg") [w, h] = [Math.ceil(w / 2), Math.ceil(h / 2)];
    type = "image/jpeg";
  }
  throw new Refused("size", limits.max_bytes);
}

/** @param {File} file @param {boolean} known  Claude knows this type of image */
async function size(file, known) {
  try {
    const bitmap = await createImageBitmap(file);
    const { width, height } = bitmap;
    bitmap.close();
    return { width, height };
  } catch {
    throw new Refused(known ? "broken" : "type");
  }
}

/** @param {File} file @param {number} width @param {number} height @param {string} type @returns {Promise<Blob>} */
async function draw(file, width, height, type) {
  const bitmap = await createImageBitmap(file, { resizeWidth: width, resizeHeight: height, resizeQuality: "high" });
  const canvas = Object.assign(document.createElement("canvas"), { width, height });
  const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
  if (type === "image/jpeg") {
    context.fillStyle = "#fff"; // it has no transparency
    context.fillRect(0, 0, width, height);
  }
  context.drawImage(bitmap, 0, 0);
  bitmap.close();
  return new Promise((resolve, reject) =>
    canvas.toBlob((blob) => (blob ? resolve(blob) : reject(new Refused("broken"))), type, QUALITY),
  );
}

/** @param {Blob} blob @returns {Promise<string>} */
function base64(blob) {
  return new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.onload = () => resolve(String(reader.result).replace(/^[^,]*,/, ""));
    reader.onerror = () => reject(new Refused("broken"));
    reader.readAsDataURL(blob);
  });
}

/** @param {Blob} file @returns {Promise<string>} */
async function plain(file) {
  let text;
  try {
    text = new TextDecoder("utf-8", { fatal: true }).decode(await file.arrayBuffer());
  } catch {
    throw new Refused("type");
  }
  if (text.includes("\0")) throw new Refused("type");
  if (text.trim() === "") throw new Refused("empty");
  return text;
}
