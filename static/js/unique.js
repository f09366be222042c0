// @ts-check

/** A key that nobody else has. `randomUUID` exists on https and localhost only. */
export function uniqueKey() {
  if (globalThis.isSecureContext ?? true) return crypto.randomUUID();
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}
