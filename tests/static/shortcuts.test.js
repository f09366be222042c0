// @ts-check
import assert from "node:assert/strict";
import { test } from "node:test";
import { matches } from "../../static/js/shortcuts.js";

/** @param {string} key @param {string} [held] */
const press = (key, held = "") => ({
  key,
  ctrlKey: held.includes("ctrl"),
  metaKey: held.includes("meta"),
  shiftKey: held.includes("shift"),
  altKey: held.includes("alt"),
});

test("Mod is Control, and Command on Apple's keyboards", () => {
  assert.ok(matches("Mod+Shift+O", press("O", "ctrl shift"), false));
  assert.ok(matches("Mod+Shift+O", press("o", "meta shift"), true));
  assert.ok(!matches("Mod+Shift+O", press("O", "meta shift"), false));
  assert.ok(!matches("Mod+Shift+O", press("O", "ctrl meta shift"), false));
  assert.ok(!matches("Mod+Shift+O", press("O", "ctrl"), false));
});

test("a character is meant however the keyboard makes it", () => {
  assert.ok(matches("?", press("?", "shift"), false));
  assert.ok(matches("/", press("/", "shift"), false)); // as on German keyboards
  assert.ok(!matches("?", press("?", "ctrl"), false));
  assert.ok(!matches("/", press("/", "alt"), false));
});

test("a named key is meant alone", () => {
  assert.ok(matches("Escape", press("Escape"), false));
  assert.ok(!matches("Escape", press("Escape", "shift"), false));
});
