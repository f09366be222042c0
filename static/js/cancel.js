// @ts-check

/**
 * Ask the gateway to end a generation.
 *
 * @param {import("./connection.js").Surroundings["fetch"]} fetch
 * @param {string | null} id  of the generation, when it is known
 * @param {string} key  Idempotency-Key that it was started with
 * @returns {Promise<boolean>} whether the gateway has heard it
 */
export async function cancel(fetch, id, key) {
  try {
    const response =
      id === null
        ? await fetch("api/chat", { method: "DELETE", headers: { "Idempotency-Key": key } })
        : await fetch(`api/chat/${id}`, { method: "DELETE" });
    return response.ok;
  } catch {
    return false;
  }
}
