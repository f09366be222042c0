// @ts-check
/** What the browser gives to modules that are also tested without one. */

/** @typedef {import("./connection.js").Surroundings} Surroundings */

/** @param {import("./session.js").Session} session @returns {Surroundings} */
export const surroundings = (session) => ({
  fetch: (url, init) => session.fetch(url, init),
  asking: () => session.asking,
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
