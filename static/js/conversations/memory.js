// @ts-check
/** The same as the browser's database, for browsers that keep nothing: it lasts as long as the tab. */

import { STORES } from "./database.js";

/**
 * @typedef {import("./database.js").Change} Change
 * @typedef {import("./database.js").Database} Database
 * @typedef {import("./database.js").Key} Key
 * @typedef {import("./database.js").Query} Query
 * @typedef {import("./database.js").StoreName} StoreName
 */

/** @implements {Database} */
export class Memory {
  /** @type {Map<StoreName, Map<string, any>>} */
  #stores = new Map();

  /** @param {StoreName} store */
  #records(store) {
    const records = this.#stores.get(store) ?? new Map();
    this.#stores.set(store, records);
    return records;
  }

  /** @param {StoreName} store @param {string} id @returns {Promise<any>} */
  async get(store, id) {
    return structuredClone(this.#records(store).get(id));
  }

  /** @param {StoreName} store @param {Query} [query] @returns {Promise<any[]>} */
  async page(store, { index, after, upTo, count = Infinity } = {}) {
    const fields = index === undefined ? null : /** @type {Record<string, readonly string[]>} */ (STORES[store])[index];
    return [...this.#records(store).values()]
      .map((record) => ({ record, key: fields ? fields.map((name) => record[name]) : record.id }))
      .filter(({ key }) => !Array.isArray(key) || key.every((part) => part !== undefined))
      .filter(({ key }) => after === undefined || compare(key, after) > 0)
      .filter(({ key }) => upTo === undefined || compare(key, upTo) <= 0)
      .sort((a, b) => compare(a.key, b.key))
      .slice(0, count)
      .map(({ record }) => structuredClone(record));
  }

  /** @param {readonly Change[]} changes @returns {Promise<void>} */
  async write(changes) {
    for (const change of changes) {
      if ("put" in change) this.#records(change.store).set(change.put.id, structuredClone(change.put));
      else this.#records(change.store).delete(change.delete);
    }
  }
}

/** IndexedDB's order: numbers, then strings, then lists. @param {Key} a @param {Key} b @returns {number} */
function compare(a, b) {
  if (Array.isArray(a) && Array.isArray(b)) {
    for (let n = 0; n < Math.min(a.length, b.length); n += 1) {
      const order = compare(/** @type {Key} */ (a[n]), /** @type {Key} */ (b[n]));
      if (order !== 0) return order;
    }
    return a.length - b.length;
  }
  /** @param {Key} key */
  const rank = (key) => (typeof key === "number" ? 0 : typeof key === "string" ? 1 : 2);
  if (rank(a) !== rank(b)) return rank(a) - rank(b);
  return a < b ? -1 : a > b ? 1 : 0;
}
