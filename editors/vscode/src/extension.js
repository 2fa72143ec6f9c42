// Starts `allocc lsp` and hands models to it; everything else is the language server's.
"use strict";

const vscode = require("vscode");
const { LanguageClient, State } = require("vscode-languageclient/node");

const INSTALL = "pip install 'allocc[lsp]'";

let client, tables;

/** What the user has set, as the server takes it. */
function options() {
  const settings = vscode.workspace.getConfiguration("allocc");
  return { dataFolder: settings.get("dataFolder", ""), pedantic: settings.get("pedantic", false) };
}

async function start() {
  const [command, ...args] = vscode.workspace.getConfiguration("allocc").get("command");
  client = new LanguageClient(
    "allocc",
    "allocc",
    { command, args },
    {
      documentSelector: [{ language: "alloc", scheme: "file" }],
      initializationOptions: options(),
      // Tables belong to a model: what is wrong with it may change with them.
      synchronize: { fileEvents: tables },
    }
  );
  try {
    await client.start();
  } catch (error) {
    vscode.window.showErrorMessage(
      `allocc: the language server does not start (${[command, ...args].join(" ")}). ` +
        `Install it with ${INSTALL}, or set allocc.command. ${error.message ?? error}`
    );
  }
}

async function stop() {
  if (client !== undefined && client.state === State.Running) {
    await client.stop();
  }
  client = undefined;
}

async function activate(context) {
  const restart = async () => {
    await stop();
    await start();
  };
  context.subscriptions.push(
    vscode.commands.registerCommand("allocc.restart", restart),
    vscode.workspace.onDidChangeConfiguration(async (event) => {
      if (event.affectsConfiguration("allocc")) {
        await restart();
      }
    })
  );
  tables = vscode.workspace.createFileSystemWatcher("**/*.{csv,alloc}");
  context.subscriptions.push(tables);
  await start();
}

module.exports = { activate, deactivate: stop };
