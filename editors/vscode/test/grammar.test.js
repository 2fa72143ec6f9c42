// The grammar as VS Code itself reads it: every shipped model, and a few lines word by word.
"use strict";

const assert = require("node:assert");
const fs = require("node:fs");
const path = require("node:path");
const { before, test } = require("node:test");
const oniguruma = require("vscode-oniguruma");
const textmate = require("vscode-textmate");

const ROOT = path.join(__dirname, "..", "..", "..");
let grammar;

before(async () => {
  const wasm = fs.readFileSync(require.resolve("vscode-oniguruma/release/onig.wasm"));
  await oniguruma.loadWASM(wasm.buffer.slice(wasm.byteOffset, wasm.byteOffset + wasm.byteLength));
  const file = path.join(__dirname, "..", "syntaxes", "alloc.tmLanguage.json");
  const registry = new textmate.Registry({
    onigLib: Promise.resolve({
      createOnigScanner: (patterns) => new oniguruma.OnigScanner(patterns),
      createOnigString: (text) => new oniguruma.OnigString(text),
    }),
    loadGrammar: async () => textmate.parseRawGrammar(fs.readFileSync(file, "utf-8"), file),
  });
  grammar = await registry.loadGrammar("source.alloc");
});

/** [word, scope] of everything in a line that is not blank. */
function words(line) {
  return grammar
    .tokenizeLine(line, textmate.INITIAL)
    .tokens.map((t) => [line.slice(t.startIndex, t.endIndex), t.scopes.at(-1).replace(/\.alloc$/, "")])
    .filter(([word]) => word.trim() !== "");
}

function scopeOf(line, word) {
  return words(line).find(([text]) => text.trim() === word)?.[1];
}

function models(folder) {
  return fs
    .readdirSync(folder, { recursive: true })
    .filter((name) => name.endsWith(".alloc"))
    .map((name) => path.join(folder, name));
}

test("every shipped model has no illegal word", () => {
  const files = [...models(path.join(ROOT, "examples")), ...models(path.join(ROOT, "models"))];
  assert.ok(files.length > 10);
  for (const file of files) {
    for (const line of fs.readFileSync(file, "utf-8").split("\n")) {
      for (const [word, scope] of words(line)) {
        assert.ok(!scope.startsWith("invalid"), `${file}: ${word}`);
      }
    }
  }
});

test("words have their colors in their places", () => {
  const table = 'table county from "counties.csv" key fips # as named';
  assert.equal(scopeOf(table, "table"), "keyword.declaration");
  assert.equal(scopeOf(table, "county"), "entity.name");
  assert.equal(scopeOf(table, "from"), "keyword.other");
  assert.equal(scopeOf(table, "key"), "keyword.other");
  assert.equal(scopeOf(table, "# as named"), "comment.line.number-sign");
  const limit = "limit cap[c in County, p in period]: sum(spend) <= 5% * (if t > end then 1 else 2)";
  assert.equal(scopeOf(limit, "in"), "keyword.operator.word");
  assert.equal(scopeOf(limit, "sum"), "support.function");
  assert.equal(scopeOf(limit, "5%"), "constant.numeric");
  assert.equal(scopeOf(limit, "end"), "constant.language");
  assert.equal(scopeOf(limit, "then"), "keyword.control");
});

test("a word that is kept for its place is a name elsewhere", () => {
  assert.equal(scopeOf("prefer few: sum(open) <= 4 penalty 2.5", "penalty"), "keyword.other");
  // A plain name has no scope of its own, and lies in one token with what is around it.
  assert.equal(scopeOf("minimize { weight: 2 }", "weight"), undefined);
  assert.equal(scopeOf("chance c: probability 0.8 over s in S weight w {}", "weight"), "keyword.other");
  assert.equal(scopeOf("let x = county.set", "set"), "variable.other.member");
  assert.equal(scopeOf("let x = county.set", "let"), "keyword.declaration");
  assert.equal(scopeOf("time t : week = 0 .. weeks", ".."), "keyword.operator");
});
