// @ts-check
// How much work a piece of code does, as the engine itself counts it: how often each block of the page's modules was
// entered. The same on every machine, however busy.
import { Session } from "node:inspector";
import { setFlagsFromString } from "node:v8";

// optimized code does not count
for (const flag of ["--no-opt", "--no-maglev", "--no-sparkplug"]) setFlagsFromString(flag);

/** @param {string} module  what the URL of a counted module contains @param {() => void} run @returns {number} */
export function workOf(module, run) {
  const session = new Session();
  session.connect();
  /** @param {string} method @param {object} [params] @returns {any} */
  const ask = (method, params = {}) => {
    let answer;
    session.post(method, params, (error, result) => {
      if (error) throw error;
      answer = result;
    });
    return answer;
  };
  ask("Profiler.enable");
  ask("Profiler.startPreciseCoverage", { callCount: true, detailed: true });
  try {
    run();
    let work = 0;
    for (const { url, functions } of ask("Profiler.takePreciseCoverage").result) {
      if (!url.includes(module)) continue;
      for (const { ranges } of functions) for (const { count } of ranges) work += count;
    }
    return work;
  } finally {
    ask("Profiler.stopPreciseCoverage");
    session.disconnect();
  }
}
