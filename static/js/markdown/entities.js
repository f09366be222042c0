// @ts-check
/** Backslash escapes and character references. Pure. Only the names that people write: the full list is 30 kB. */

const NAMES = new Map(
  (
    "amp& lt< gt> quot\" apos' nbsp\u00a0 iexcl¡ cent¢ pound£ curren¤ yen¥ brvbar¦ sect§ uml¨ copy© ordf\u00aa laquo« not¬ shy\u00ad reg® macr¯ " +
    "deg° plusmn± sup1¹ sup2² sup3³ acute´ micro\u00b5 para¶ middot· cedil¸ ordm\u00ba raquo» frac14¼ frac12½ frac34¾ iquest¿ " +
    "Agrave\u00c0 Aacute\u00c1 Acirc\u00c2 Atilde\u00c3 Auml\u00c4 Aring\u00c5 AElig\u00c6 Ccedil\u00c7 Egrave\u00c8 Eacute\u00c9 Ecirc\u00ca Euml\u00cb " +
    "Igrave\u00cc Iacute\u00cd Icirc\u00ce Iuml\u00cf ETH\u00d0 Ntilde\u00d1 Ograve\u00d2 Oacute\u00d3 Ocirc\u00d4 Otilde\u00d5 Ouml\u00d6 times\u00d7 " +
    "Oslash\u00d8 Ugrave\u00d9 Uacute\u00da Ucirc\u00db Uuml\u00dc Yacute\u00dd THORN\u00de szlig\u00df agrave\u00e0 aacute\u00e1 acirc\u00e2 atilde\u00e3 " +
    "auml\u00e4 aring\u00e5 aelig\u00e6 ccedil\u00e7 egrave\u00e8 eacute\u00e9 ecirc\u00ea euml\u00eb igrave\u00ec iacute\u00ed icirc\u00ee iuml\u00ef eth\u00f0 " +
    "ntilde\u00f1 ograve\u00f2 oacute\u00f3 ocirc\u00f4 otilde\u00f5 ouml\u00f6 divide\u00f7 oslash\u00f8 ugrave\u00f9 uacute\u00fa ucirc\u00fb uuml\u00fc " +
    "yacute\u00fd thorn\u00fe yuml\u00ff fnof\u0192 Alpha\u0391 Beta\u0392 Gamma\u0393 Delta\u0394 Theta\u0398 Lambda\u039b Xi\u039e Pi\u03a0 Sigma\u03a3 Phi\u03a6 " +
    "Psi\u03a8 Omega\u03a9 alpha\u03b1 beta\u03b2 gamma\u03b3 delta\u03b4 epsilon\u03b5 zeta\u03b6 eta\u03b7 theta\u03b8 iota\u03b9 kappa\u03ba lambda\u03bb mu\u03bc " +
    "nu\u03bd xi\u03be pi\u03c0 rho\u03c1 sigma\u03c3 tau\u03c4 upsilon\u03c5 phi\u03c6 chi\u03c7 psi\u03c8 omega\u03c9 bull\u2022 hellip\u2026 prime\u2032 Prime\u2033 " +
    "trade\u2122 larr\u2190 uarr\u2191 rarr\u2192 darr\u2193 harr\u2194 lArr\u21d0 rArr\u21d2 hArr\u21d4 forall\u2200 part\u2202 exist\u2203 empty\u2205 nabla\u2207 isin\u2208 " +
    "notin\u2209 ni\u220b prod\u220f sum\u2211 minus\u2212 lowast\u2217 radic\u221a prop\u221d infin\u221e ang\u2220 and\u2227 or\u2228 cap\u2229 cup\u222a int\u222b there4\u2234 sim\u223c " +
    "cong\u2245 asymp\u2248 ne\u2260 equiv\u2261 le\u2264 ge\u2265 sub\u2282 sup\u2283 sube\u2286 supe\u2287 oplus\u2295 otimes\u2297 perp\u22a5 sdot\u22c5 lceil\u2308 rceil\u2309 " +
    "lfloor\u230a rfloor\u230b loz\u25ca spades\u2660 clubs\u2663 hearts\u2665 diams\u2666 OElig\u0152 oelig\u0153 Scaron\u0160 scaron\u0161 Yuml\u0178 circ\u02c6 tilde\u02dc " +
    "ensp\u2002 emsp\u2003 thinsp\u2009 zwnj\u200c zwj\u200d lrm\u200e rlm\u200f ndash\u2013 mdash\u2014 lsquo\u2018 rsquo\u2019 sbquo\u201a ldquo\u201c rdquo\u201d bdquo\u201e " +
    "dagger\u2020 Dagger\u2021 permil\u2030 lsaquo\u2039 rsaquo\u203a euro\u20ac check\u2713 cross\u2717 star\u2606 starf\u2605 phone\u260e Dcaron\u010e " +
    "HilbertSpace\u210b DifferentialD\u2146 ClockwiseContourIntegral\u2232 ngE\u2267\u0338"
  )
    .split(" ")
    .map((entry) => {
      const [, name = "", value = ""] = /^([A-Za-z]+(?:\d+)?)(.+)$/su.exec(entry) ?? [];
      return /** @type {[string, string]} */ ([name, value]);
    }),
);

const REFERENCE = /&(?:#x([0-9a-f]{1,6})|#(\d{1,7})|([a-z][a-z0-9]{1,31}));/i;
const ANY = new RegExp(`\\\\([!-/:-@[-\`{-~])|${REFERENCE.source}`, "gi");
const HERE = new RegExp(REFERENCE.source, "iy");

/** @param {string | undefined} hex @param {string | undefined} decimal @param {string | undefined} name */
function character(hex, decimal, name) {
  if (name !== undefined) return NAMES.get(name);
  const code = hex === undefined ? Number(decimal) : Number.parseInt(hex, 16);
  return code === 0 || code > 0x10ffff || (code >= 0xd800 && code < 0xe000) ? "\ufffd" : String.fromCodePoint(code);
}

/**
 * The character reference at `at`, if one is there.
 *
 * @param {string} text
 * @param {number} at
 * @returns {{value: string, length: number} | null}
 */
export function scanEntity(text, at) {
  HERE.lastIndex = at;
  const match = HERE.exec(text);
  const value = match && character(match[1], match[2], match[3]);
  return match && value !== undefined && value !== null ? { value, length: match[0].length } : null;
}

/** @param {string} text  with escapes and references resolved */
export function resolve(text) {
  return text.replace(ANY, (all, escaped, hex, decimal, name) => escaped ?? character(hex, decimal, name) ?? all);
}
