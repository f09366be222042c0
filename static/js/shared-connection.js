// @ts-check
/**
 * One generation for all tabs of this browser: one of them reads it, the others listen to that tab.
 *
 * Who holds the generation's lock reads, stores, and tells the others; when that tab goes, the next in line takes over
 * after the last event that it has heard. A tab that joins asks for what it lacks:
 *
 *   listener  {ask: cursor, from}            what came after this?
 *   reader    {to: from, events, state, id}  this, and from now on all that comes:
 *             {events}  {state}  {id}  {outcome}
 *   listener  {stop}                         its reader wants it to end
 *
 * It looks like a `Connection`. Without locks (a page that is not served securely) every tab reads for itself.
 */

import { cancel } from "./cancel.js";
import { Connection } from "./connection.js";

/**
 * @typedef {import("./verdict.js").Outcome} Outcome
 * @typedef {import("./connection.js").State} State
 * @typedef {import("./connection.js").Surroundings} Surroundings
 * @typedef {import("./events.js").ChatEvent} ChatEvent
 */

/** An event, and the cursor behind it. @typedef {[string | null, ChatEvent]} Entry */

/**
 * @typedef {object} Tabs
 * @property {Pick<LockManager, "request"> | null} locks
 * @property {(name: string) => Pick<BroadcastChannel, "postMessage" | "onmessage" | "close">} channel
 */

/** How another tab has seen it end: what is stored tells. @typedef {{kind: "elsewhere"}} Elsewhere */

export class SharedConnection {
  #start;
  #around;
  #tabs;
  #me;
  #channel;
  /** @type {Connection | null} this tab reads */
  #connection = null;
  /** @type {Entry[]} what this tab has read, for listeners that join */
  #log = [];
  /** @type {string | null} the cursor from which on it has read */
  #from = null;
  #heard = false; // somebody listens
  /** @type {string | null} the reader that this tab listens to; null until it has told what was missing */
  #reader = null;
  /** @type {string | null} the last one that was asked because it spoke up */
  #met = null;
  /** @type {Set<string>} */
  #seen = new Set();
  /** @type {State} */
  #state = "connecting";
  #stopping = false;
  #over = new AbortController();
  /** @type {(outcome: Outcome | Elsewhere) => void} */
  #end = () => {};

  /** @type {string | null} id of the generation */
  id;
  /** @type {string | null} */
  cursor;
  /** @type {(event: ChatEvent, live: boolean) => void} */
  onEvent = () => {};
  /** @type {(state: State) => void} */
  onState = () => {};
  /** @type {(id: string) => void} only in the tab that reads */
  onId = () => {};
  /** This tab is about to read. @type {() => Promise<boolean>} whether there is still something to read */
  onLead = async () => true;
  /** It has ended, in the tab that read it: the time to store that. @type {(outcome: Outcome) => Promise<void>} */
  onSettled = async () => {};

  /**
   * @param {import("./connection.js").Start & {name: string}} start  `name` tells it from all others
   * @param {Surroundings} around
   * @param {Tabs} tabs
   */
  constructor(start, around, tabs) {
    this.#start = start;
    this.#around = around;
    this.#tabs = tabs;
    this.#me = String(around.random());
    this.id = start.id ?? null;
    this.cursor = start.cursor ?? null;
    this.#channel = tabs.channel(start.name);
    this.#channel.onmessage = ({ data }) => this.#hear(data);
  }

  /** This tab reads, and stores what it reads. */
  get leading() {
    return this.#connection !== null;
  }

  /** Follow it to the end, by whatever tab it is read. @returns {Promise<Outcome | Elsewhere>} */
  async run() {
    const { locks } = this.#tabs;
    /** @type {Promise<Outcome | Elsewhere>} */
    const heard = new Promise((resolve) => (this.#end = resolve));
    const lock = { signal: this.#over.signal };
    const led = locks ? locks.request(this.#start.name, lock, () => this.#lead()) : this.#lead();
    this.#ask();
    try {
      return await Promise.race([led, heard]);
    } finally {
      this.#over.abort();
      led.catch(() => {}); // given up waiting for the lock
      this.#channel.close();
    }
  }

  wake() {
    this.#connection?.wake();
    if (!this.leading) this.#ask();
  }

  revive() {
    this.#connection?.revive();
  }

  /** Cancel the generation at the gateway; it then ends by itself. The tab that reads sees to it. */
  async stop() {
    this.#stopping = true;
    if (this.#connection) return this.#connection.stop();
    this.#say("stopping");
    this.#channel.postMessage({ stop: true });
    await cancel(this.#around.fetch, this.id, this.#start.key); // that tab may be asleep
  }

  // Reading

  /** @returns {Promise<Outcome | Elsewhere>} */
  async #lead() {
    if (!(await this.onLead())) return { kind: "elsewhere" };
    const restored = this.#start.restored || this.#reader !== null;
    const { id, cursor } = this;
    this.#from = cursor;
    const connection = new Connection({ ...this.#start, id, cursor, restored }, this.#around);
    this.#connection = connection;
    connection.onState = (state) => {
      this.#say(state);
      this.#tell({ state });
    };
    connection.onId = (known) => {
      this.id = known;
      this.onId(known);
      this.#tell({ id: known });
    };
    connection.onEvent = (event, live) => {
      this.cursor = connection.cursor;
      this.#log.push([this.cursor, event]);
      this.onEvent(event, live);
      this.#tell({ events: [[this.cursor, event]] });
    };
    if (this.#stopping) void connection.stop(); // the tab that was to see to it is gone
    this.#tell({ state: this.#state }); // so those that listened to another tab, or to nobody yet, ask this one
    const outcome = await connection.run();
    await this.onSettled(outcome);
    this.#tell({ outcome });
    return outcome;
  }

  /** @param {object} what */
  #tell(what) {
    if (this.#heard) this.#channel.postMessage({ ...what, reader: this.#me });
  }

  /** What a listener lacks. @param {{ask: string | null, from: string}} question */
  #answer({ ask, from }) {
    const at = this.#log.findIndex(([cursor]) => cursor === ask);
    if (at === -1 && ask !== this.#from) return; // it has other news than this tab ever had
    this.#tell({ to: from, events: this.#log.slice(at + 1), state: this.#state, id: this.id });
  }

  // Listening

  #ask() {
    if (!this.leading) this.#channel.postMessage({ ask: this.cursor, from: this.#me });
  }

  /** @param {any} message */
  #hear(message) {
    if ("stop" in message) {
      this.#stopping = true;
      void this.#connection?.stop();
      return;
    }
    if ("ask" in message) {
      this.#heard = true; // also by a tab that may come to read later
      if (this.leading) this.#answer(message);
      return;
    }
    if (this.leading || ("to" in message && message.to !== this.#me)) return;
    if ("to" in message) this.#reader = message.reader;
    else if (message.reader !== this.#reader) return this.#meet(message.reader);
    if (message.id) this.id = message.id;
    if (message.state) this.#say(message.state);
    for (const [cursor, event] of message.events ?? []) this.#take(cursor, event, !("to" in message));
    if (message.outcome) this.#end(message.outcome);
  }

  /** Another tab reads now: what did it read before? @param {string} reader */
  #meet(reader) {
    if (this.#met === reader) return;
    this.#met = reader;
    this.#ask();
  }

  /** @param {string | null} cursor @param {ChatEvent} event @param {boolean} live */
  #take(cursor, event, live) {
    if (cursor !== null) {
      if (this.#seen.has(cursor)) return;
      this.#seen.add(cursor);
      this.cursor = cursor;
    }
    this.onEvent(event, live);
  }

  /** @param {State} state */
  #say(state) {
    this.#state = state;
    this.onState(state);
  }
}
