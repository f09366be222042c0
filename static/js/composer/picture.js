// @ts-check
/** Images of a conversation, which are base64 there, as pictures on the page. */

/** @typedef {import("../events.js").Json} Json */

/** @param {string} data  base64 @returns {Uint8Array<ArrayBuffer>} @throws {DOMException} it is none */
function bytesOf(data) {
  const text = atob(data);
  const bytes = new Uint8Array(text.length);
  for (let n = 0; n < text.length; n += 1) bytes[n] = text.charCodeAt(n);
  return bytes;
}

/** Types that are pixels and nothing else; whatever else a stored or imported image claims to be is not shown. */
const PIXELS = /^image\/(?:jpeg|png|gif|webp)$/;

/** The image of a content block, if it is one. @param {Json} block @returns {Blob | null} */
export function pictureOf({ source }) {
  if (source?.type !== "base64" || !PIXELS.test(source.media_type)) return null;
  try {
    return new Blob([bytesOf(source.data)], { type: source.media_type });
  } catch {
    return null;
  }
}

/**
 * Show the image of a content block. Its address lives until it is loaded: the browser keeps the pixels.
 *
 * @param {HTMLImageElement} element
 * @param {Json} block
 * @returns {boolean} whether there is something to show
 */
export function showPicture(element, block) {
  const picture = pictureOf(block);
  if (!picture) return false;
  const url = URL.createObjectURL(picture);
  const end = () => URL.revokeObjectURL(url);
  element.addEventListener("load", end, { once: true });
  element.addEventListener("error", end, { once: true });
  element.src = url;
  return true;
}
