// The client with stand-ins for VS Code: what it starts, and what it says when that fails.
"use strict";

const assert = require("node:assert");
const Module = require("node:module");
const path = require("node:path");
const { beforeEach, test } = require("node:test");

const SOURCE = path.join(__dirname, "..", "src", "extension.js");
let settings, started, stopped, told, changed, commands, failure;

class LanguageClient {
  constructor(id, name, server, client) {
    Object.assign(this, { server, client, state: 1 });
  }
  async start() {
    if (failure) throw new Error(failure);
    this.state = 2;
    started.push(this);
  }
  async stop() {
    this.state = 1;
    stopped.push(this);
  }
}

const vscode = {
  workspace: {
    getConfiguration: () => ({ get: (name, other) => settings[name] ?? other }),
    createFileSystemWatcher: (pattern) => ({ pattern, dispose() {} }),
    onDidChangeConfiguration: (handler) => {
      changed = handler;
      return { dispose() {} };
    },
  },
  window: { showErrorMessage: (text) => told.push(text) },
  commands: {
    registerCommand: (name, handler) => {
      commands[name] = handler;
      return { dispose() {} };
    },
  },
};

function load() {
  const original = Module._load;
  Module._load = function (name, ...rest) {
    if (name === "vscode") return vscode;
    if (name === "vscode-languageclient/node") return { LanguageClient, State: { Running: 2 } };
    return original.call(this, name, ...rest);
  };
  delete require.cache[SOURCE];
  try {
    return require(SOURCE);
  } finally {
    Module._load = original;
  }
}

beforeEach(() => {
  settings = { command: ["allocc", "lsp"] };
  [started, stopped, told, commands, failure] = [[], [], [], {}, ""];
});

test("it starts the command and hands over the settings", async () => {
  settings = { command: ["/venv/bin/allocc", "lsp"], dataFolder: "data/RI", pedantic: true };
  const extension = load();
  const context = { subscriptions: [] };
  await extension.activate(context);
  assert.deepEqual(started[0].server, { command: "/venv/bin/allocc", args: ["lsp"] });
  assert.deepEqual(started[0].client.initializationOptions, { dataFolder: "data/RI", pedantic: true });
  assert.match(started[0].client.synchronize.fileEvents.pattern, /csv/);
  assert.equal(context.subscriptions.length, 3);
  await extension.deactivate();
  assert.equal(stopped.length, 1);
});

test("a changed setting starts it anew", async () => {
  const extension = load();
  await extension.activate({ subscriptions: [] });
  await changed({ affectsConfiguration: (name) => name === "allocc" });
  await commands["allocc.restart"]();
  assert.equal(started.length, 3);
  assert.equal(stopped.length, 2);
});

test("a command that is not there is told with its mend", async () => {
  failure = "spawn allocc ENOENT";
  const extension = load();
  await extension.activate({ subscriptions: [] });
  assert.match(told[0], /pip install 'allocc\[lsp\]'/);
  await extension.deactivate();
});
