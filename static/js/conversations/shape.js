// @ts-check
/**
 * Checks of JSON that somebody else wrote: each takes a value and returns a clean copy of it, with known fields only.
 *
 * Pure. What does not fit throws `Malformed`, which names the place.
 */

/**
 * @template T
 * @typedef {(value: unknown, place: string) => T} Shape
 */

export class Malformed extends Error {}

/** Levels of nesting; more than any block of Claude's has, and less than any stack. */
const DEEPEST = 64;

/** @param {string} place @returns {never} */
function refuse(place) {
  throw new Malformed(place);
}

/** @param {number} [longest] @returns {Shape<string>} */
export const string =
  (longest = 1e8) =>
  (value, place) =>
    typeof value === "string" && value.length <= longest ? value : refuse(place);

/** @type {Shape<number>} */
export const number = (value, place) =>
  typeof value === "number" && Number.isFinite(value) && Math.abs(value) < 1e15 ? value : refuse(place);

/** @type {Shape<number>} */
export const natural = (value, place) => {
  const n = number(value, place);
  return Number.isInteger(n) && n >= 0 ? n : refuse(place);
};

/** @type {Shape<boolean>} */
export const boolean = (value, place) => (typeof value === "boolean" ? value : refuse(place));

/** @template {string} T @param {readonly T[]} words @returns {Shape<T>} */
export const oneOf = (words) => (value, place) =>
  words.includes(/** @type {T} */ (value)) ? /** @type {T} */ (value) : refuse(place);

/** @template T @param {Shape<T>} shape @returns {Shape<T | null>} also takes what is absent */
export const nullable = (shape) => (value, place) => (value == null ? null : shape(value, place));

/** @template T @param {Shape<T>} shape @returns {Shape<T | undefined>} takes what is absent, and leaves it so */
export const optional = (shape) => (value, place) => (value === undefined ? undefined : shape(value, place));

/** @template T @param {Shape<T>} shape @param {number} most @returns {Shape<T[]>} */
export const list = (shape, most) => (value, place) =>
  Array.isArray(value) && value.length <= most ? value.map((item, n) => shape(item, `${place}[${n}]`)) : refuse(place);

/**
 * @template {Record<string, Shape<any>>} F
 * @param {F} fields
 * @returns {Shape<{[K in keyof F]: ReturnType<F[K]>}>}
 */
export const object = (fields) => (value, place) => {
  const given = record(value, place);
  const out = Object.entries(fields).map(([name, shape]) => [name, shape(given[name], `${place}.${name}`)]);
  return Object.fromEntries(out.filter(([, checked]) => checked !== undefined));
};

/** Any JSON object, of bounded depth. @type {Shape<Record<string, any>>} */
export const json = (value, place) => {
  bounded(value, place, DEEPEST);
  return record(value, place);
};

/** @type {Shape<any>} any JSON value, of bounded depth */
export const anything = (value, place) => {
  bounded(value, place, DEEPEST);
  return value ?? null;
};

/** @type {Shape<Record<string, unknown>>} */
function record(value, place) {
  if (value === null || typeof value !== "object" || Array.isArray(value)) return refuse(place);
  return /** @type {Record<string, unknown>} */ (value);
}

/** @param {unknown} value @param {string} place @param {number} left */
function bounded(value, place, left) {
  if (value === null || typeof value !== "object") return;
  if (left === 0) refuse(place);
  for (const inner of Object.values(value)) bounded(inner, place, left - 1);
}
