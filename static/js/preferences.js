// @ts-check
/** The reader's choices on this device: small, and never needed to work (a browser may refuse to keep them). */

const PREFIX = "claude-gateway/";

/** @param {string} name @returns {string | null} */
export function preference(name) {
  try {
    return globalThis.localStorage?.getItem(PREFIX + name) ?? null;
  } catch {
    return null;
  }
}

/** @param {string} name @param {string} value */
export function prefer(name, value) {
  try {
    localStorage.setItem(PREFIX + name, value);
  } catch {
    // storage is blocked or full: the choice holds until the page is left
  }
}
