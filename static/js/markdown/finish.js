// @ts-check
/** What finished code and formulas become. Loaded with the first of them: an answer without any does without this. */

import { color } from "./colors.js";
import { typeset } from "./formula.js";

export const finish = { color, typeset };
