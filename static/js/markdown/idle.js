// @ts-check
/** Work that makes finished text better, not the page later: done when it comes near the window and nothing else is to do. */

/** ms */
const AT_MOST = 500;
const NEAR = "100% 0px";

/** @typedef {(finish: typeof import("./finish.js").finish) => Promise<void>} Work */

/** @type {WeakMap<Element, Work>} */
const waiting = new WeakMap();
/** One after the other. @type {Promise<void>} */
let last = Promise.resolve();
/** Somebody prints: nothing can wait. */
let urgent = false;

/** @type {IntersectionObserver | null} */
let observer = null;

/** A moment in which nothing else is to do. @returns {Promise<void>} */
export function rest() {
  return new Promise((resolve) => {
    if (urgent) resolve();
    else if ("requestIdleCallback" in globalThis) requestIdleCallback(() => resolve(), { timeout: AT_MOST });
    else setTimeout(resolve, 1);
  });
}

/** @param {Element} element @param {Work} work  gets what it is done with, which is loaded with the first of them */
export function whenNear(element, work) {
  waiting.set(element, work);
  observer ??= new IntersectionObserver(
    (entries) => {
      for (const { target, isIntersecting } of entries) if (isIntersecting) begin(target);
    },
    { rootMargin: NEAR },
  );
  observer.observe(element);
}

/** @param {Element} element */
function begin(element) {
  observer?.unobserve(element);
  const work = waiting.get(element);
  if (!work) return;
  waiting.delete(element);
  last = last
    .then(rest)
    .then(async () => work((await import("./finish.js")).finish))
    .catch(() => {}); // not to be had now: the text stays as it is
}

globalThis.addEventListener?.("beforeprint", () => {
  urgent = true;
  for (const element of document.querySelectorAll(".code, .math")) begin(element);
});
globalThis.addEventListener?.("afterprint", () => {
  urgent = false;
});
