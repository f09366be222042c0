// @ts-check
/**
 * IndexedDB as promises: pages of a store in order, and writes that are all or nothing.
 *
 * What is kept where says `STORES`; a change of it is a new version with its own step in `upgrade`.
 */

/**
 * @typedef {string | number} Part
 * @typedef {Part | Part[]} Key
 */

/**
 * In the order of the index (of the ids without one).
 *
 * @typedef {object} Query
 * @property {string} [index]
 * @property {Key} [after]  from behind this key
 * @property {Key} [upTo]  to this key, included
 * @property {number} [count]  at most
 */

/** @typedef {{store: StoreName, put: {id: string} & Record<string, any>} | {store: StoreName, delete: string}} Change */

/**
 * What conversations are kept in, here or in `Memory`.
 *
 * @typedef {object} Database
 * @property {(store: StoreName, id: string) => Promise<any>} get  undefined when it is not there
 * @property {(store: StoreName, query?: Query) => Promise<any[]>} page
 * @property {(changes: readonly Change[]) => Promise<void>} write  all of them or, when it fails, none
 */

/** Records have an `id`; indices by name, each with the fields of its key. A record without them is not in the index. */
export const STORES = /** @type {const} */ ({
  conversations: {},
  messages: { conversation: ["conversation", "created", "id"], running: ["running", "id"] },
  /** what messages say, for searching: without reasoning, attachments and all that streams along */
  texts: { conversation: ["conversation", "id"] },
  /** what is written but not sent, by conversation */
  drafts: {},
});

/** @typedef {keyof typeof STORES} StoreName */

const NAME = "claude-gateway";
const VERSION = 1;
/** ms: a browser that has not opened it by then will not */
const OPENING = 5000;

/** @param {IDBDatabase} database */
function upgrade(database) {
  for (const [name, indices] of Object.entries(STORES)) {
    const store = database.createObjectStore(name, { keyPath: "id" });
    for (const [index, fields] of Object.entries(indices)) store.createIndex(index, [...fields]);
  }
}

/**
 * @param {IDBFactory} factory
 * @returns {Promise<Disk>}
 * @throws when this browser keeps nothing (private windows of some, blocked storage, a damaged profile)
 */
export async function openDisk(factory) {
  const request = factory.open(NAME, VERSION);
  request.onupgradeneeded = ({ oldVersion }) => {
    if (oldVersion < 1) upgrade(request.result);
  };
  /** @type {Promise<never>} */
  const late = new Promise((_, reject) => setTimeout(() => reject(new Error("IndexedDB does not open")), OPENING));
  const opened = answer(request);
  opened.then((database) => (database.onversionchange = () => database.close()));
  return new Disk(await Promise.race([opened, late]));
}

/** @implements {Database} */
export class Disk {
  #database;

  /** The browser closed it (the reader cleared the site's data, or a newer page wants another version). */
  onLost = () => {};

  /** @param {IDBDatabase} database */
  constructor(database) {
    this.#database = database;
    database.onclose = () => this.onLost();
    database.onversionchange = () => {
      database.close();
      this.onLost();
    };
  }

  /** @param {StoreName} store @param {string} id @returns {Promise<any>} */
  async get(store, id) {
    return answer(this.#database.transaction(store).objectStore(store).get(id));
  }

  /** @param {StoreName} store @param {Query} [query] @returns {Promise<any[]>} */
  async page(store, { index, after, upTo, count } = {}) {
    const all = this.#database.transaction(store).objectStore(store);
    const source = index === undefined ? all : all.index(index);
    return answer(source.getAll(range(after, upTo), count));
  }

  /** @param {readonly Change[]} changes @returns {Promise<void>} */
  async write(changes) {
    const names = new Set(changes.map(({ store }) => store));
    if (names.size === 0) return;
    const transaction = this.#database.transaction([...names], "readwrite", { durability: "relaxed" });
    for (const change of changes) {
      const store = transaction.objectStore(change.store);
      if ("put" in change) store.put(change.put);
      else store.delete(change.delete);
    }
    transaction.commit();
    await /** @type {Promise<void>} */ (
      new Promise((resolve, reject) => {
        transaction.oncomplete = () => resolve();
        transaction.onabort = () => reject(transaction.error ?? new Error("the write was given up"));
      })
    );
  }
}

/** @param {Key} [after] @param {Key} [upTo] */
function range(after, upTo) {
  if (after !== undefined && upTo !== undefined) return IDBKeyRange.bound(after, upTo, true, false);
  if (after !== undefined) return IDBKeyRange.lowerBound(after, true);
  return upTo === undefined ? null : IDBKeyRange.upperBound(upTo);
}

/** @template T @param {IDBRequest<T>} request @returns {Promise<T>} */
function answer(request) {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}
