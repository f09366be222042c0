// @ts-check
/** How a language writes numbers, plurals, sizes and money. The browser knows all of it. */

/** A name of unknown direction inside a sentence, which it must not turn round. @param {string} name */
export const isolated = (name) => `\u2068${name}\u2069`;

/** @param {string} locale */
export function formats(locale) {
  const whole = new Intl.NumberFormat(locale, { maximumFractionDigits: 0 });
  const tenths = new Intl.NumberFormat(locale, { minimumFractionDigits: 1, maximumFractionDigits: 1 });
  const time = new Intl.DateTimeFormat(locale, { timeStyle: "short" });
  const date = new Intl.DateTimeFormat(locale, { dateStyle: "medium", timeStyle: "short" });
  const atLength = new Intl.DateTimeFormat(locale, { dateStyle: "full", timeStyle: "short" });
  const rules = new Intl.PluralRules(locale);
  return {
    /** @param {number} n */
    number: (n) => whole.format(n),

    /** One decimal for what is small. @param {number} n */
    measure: (n) => (n < 9.95 ? tenths : whole).format(n),

    /**
     * The form of a word that goes with a number, which stands where the form has `#`.
     *
     * @param {number} n
     * @param {Partial<Record<Intl.LDMLPluralRule, string>> & {other: string}} forms
     */
    plural: (n, forms) => (forms[rules.select(n)] ?? forms.other).replace("#", whole.format(n)),

    /** @param {number} usd */
    dollars: (usd) => {
      const digits = usd < 0.01 ? 5 : usd < 1 ? 3 : 2;
      const style = { minimumFractionDigits: digits, maximumFractionDigits: digits };
      return new Intl.NumberFormat(locale, { style: "currency", currency: "USD", ...style }).format(usd);
    },

    /** A time of day; of another day with its date. @param {number} when  ms since 1970 @param {number} [now] */
    moment: (when, now = Date.now()) => {
      const day = (/** @type {number} */ ms) => new Date(ms).toDateString();
      return (day(when) === day(now) ? time : date).format(when);
    },

    /** @param {number} when  ms since 1970 */
    momentAtLength: (when) => atLength.format(when),

    /** @param {number} bytes */
    size: (bytes) => {
      const [unit, of] = bytes < 1e3 ? ["byte", 1] : bytes < 1e6 ? ["kilobyte", 1e3] : ["megabyte", 1e6];
      const unitDisplay = unit === "byte" ? /** @type {const} */ ("long") : /** @type {const} */ ("short");
      const style = { unit: String(unit), unitDisplay, maximumFractionDigits: 1 };
      return new Intl.NumberFormat(locale, { style: "unit", ...style }).format(bytes / Number(of));
    },
  };
}
