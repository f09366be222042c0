// @ts-check
/** What the browser gives to modules that are also tested without one. */

import { Lines } from "./lines.js";
import { listen, reach } from "./socket.js";

/** @typedef {import("./connection.js").Surroundings} Surroundings */

/** Over HTTP/1.1 the browser opens only few connections; not known counts as that. */
function bounded() {
  const [page] = /** @type {PerformanceNavigationTiming[]} */ (performance.getEntriesByType("navigation"));
  return !/^h[23]/.test(page?.nextHopProtocol ?? "");
}

/** @param {import("./session.js").Session} session @returns {Surroundings} */
export const surroundings = (session) => ({
  fetch: (url, init) => session.fetch(url, init),
  asking: () => session.asking,
  lines: new Lines(tabs.locks, bounded()),
  listen,
  reach,
  now: () => performance.now(),
  random: Math.random,
  online: () => navigator.onLine,
  sleep: (ms, signal) =>
    new Promise((resolve) => {
      const end = () => {
        clearTimeout(timer);
        signal.removeEventListener("abort", end);
        resolve();
      };
      const timer = setTimeout(end, ms);
      signal.addEventListener("abort", end);
      if (signal.aborted) end();
    }),
});

/** @type {import("./shared-connection.js").Tabs} */
export const tabs = {
  locks: navigator.locks ?? null, // a page that is not served securely has none
  channel: (name) => new BroadcastChannel(name),
};
