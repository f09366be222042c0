// @ts-check
// What must be true of the page's files themselves.
import assert from "node:assert/strict";
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { text } from "../../static/js/text.js";

const STATIC = fileURLToPath(new URL("../../static", import.meta.url));
const files = readdirSync(STATIC, { recursive: true, encoding: "utf8" });
/** @param {string} name */
const read = (name) => readFileSync(join(STATIC, name), "utf8");
const scripts = files.filter((name) => name.endsWith(".js") && name.startsWith("js"));
const html = read("index.html");

test("no script can turn text into markup or code", () => {
  const sinks =
    /innerHTML|outerHTML|insertAdjacentHTML|setHTMLUnsafe|document\.write|createContextualFragment|DOMParser|srcdoc|\beval\b|new Function|javascript:/;
  for (const name of scripts) assert.doesNotMatch(read(name), sinks, name);
});

test("scripts import by relative address only", () => {
  for (const name of scripts) {
    for (const [, from = ""] of read(name).matchAll(/^(?:import|export)\b[^;]*?from "([^"]+)"/gm)) {
      assert.ok(from.startsWith("./") || from.startsWith("../"), `${name} imports ${from}`);
      assert.ok(statSync(join(STATIC, name, "..", from)).isFile(), `${name} imports ${from}`);
    }
  }
});

test("the page's HTML has no inline script or style, and nothing from elsewhere", () => {
  assert.doesNotMatch(html, /\sstyle=|<style|\son\w+=|<script(?![^>]*\ssrc=)|https?:/);
});

test("what the HTML refers to exists", () => {
  for (const [, path = ""] of html.matchAll(/(?:href|src)="(static\/[^"]+)"/g)) {
    assert.ok(files.includes(path.replace("static/", "")), path);
  }
});

test("English in the HTML is the English of text.js", () => {
  const words = /** @type {Record<string, string>} */ (text.page);
  for (const [, name = "", inside = ""] of html.matchAll(/data-text="(\w+)"[^>]*>([^<]*)</g)) {
    assert.equal(inside.replace(/\s+/g, " ").trim(), words[name], name);
  }
  for (const [tag] of html.matchAll(/<[^>]*\sdata-(?:label|title|placeholder)="[^>]*>/g)) {
    for (const [, data = "", name = ""] of tag.matchAll(/data-(label|title|placeholder)="(\w+)"/g)) {
      const attribute = data === "label" ? "aria-label" : data;
      assert.ok(tag.includes(` ${attribute}="${words[name]}"`), `${attribute} of ${name}`);
    }
  }
});

test("every icon that is used is drawn", () => {
  for (const [, id] of html.matchAll(/href="#([\w-]+)"/g)) assert.ok(html.includes(`<symbol id="${id}"`), id);
});

test("modules stay small enough to read", () => {
  for (const name of scripts) assert.ok(read(name).split("\n").length <= 560, name);
});
