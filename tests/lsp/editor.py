"""An editor that talks to `allocc lsp` over standard input and output, message by message."""

from __future__ import annotations

import json
import os
import queue
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import allocc

SOURCE = Path(allocc.__file__).parents[1]
#: The checks run on machines that do other things, too.
PATIENCE = 60.0


class Editor:
    """Starts the server; requests wait for their answers, diagnostics are kept by file."""

    def __init__(self, root: Path, options: dict[str, Any] | None = None) -> None:
        path = os.pathsep.join([str(SOURCE), os.environ.get("PYTHONPATH", "")])
        self.process = subprocess.Popen(
            [sys.executable, "-m", "allocc", "lsp"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=root,
            env={**os.environ, "PYTHONPATH": path},
        )
        self.errors: list[bytes] = []
        self.answers: dict[int, queue.Queue[dict[str, Any]]] = {}
        self.published: queue.Queue[dict[str, Any]] = queue.Queue()
        self.logged: list[str] = []
        self.count = 0
        self.versions: dict[str, int] = {}
        for target in (self._read, self._errors):
            threading.Thread(target=target, daemon=True).start()
        found = self.request(
            "initialize",
            {
                "processId": os.getpid(),
                "rootUri": root.as_uri(),
                "capabilities": {},
                "initializationOptions": options or {},
            },
        )
        self.capabilities = found["capabilities"]
        self.notify("initialized", {})

    def _errors(self) -> None:
        assert self.process.stderr is not None
        for line in self.process.stderr:
            self.errors.append(line)

    def _read(self) -> None:
        assert self.process.stdout is not None
        stream = self.process.stdout
        while True:
            length = 0
            while (line := stream.readline()) not in (b"\r\n", b""):
                if line.lower().startswith(b"content-length:"):
                    length = int(line.split(b":")[1])
            if not length:
                return
            message = json.loads(stream.read(length))
            if "id" in message and "method" not in message:
                self.answers[message["id"]].put(message)
            elif message.get("method") == "textDocument/publishDiagnostics":
                self.published.put(message["params"])
            elif message.get("method") == "window/logMessage":
                self.logged.append(message["params"]["message"])

    def _send(self, message: dict[str, Any]) -> None:
        body = json.dumps({"jsonrpc": "2.0", **message}).encode()
        assert self.process.stdin is not None
        self.process.stdin.write(b"Content-Length: %d\r\n\r\n" % len(body) + body)
        self.process.stdin.flush()

    def notify(self, method: str, params: Any) -> None:
        self._send({"method": method, "params": params})

    def request(self, method: str, params: Any) -> Any:
        self.count += 1
        self.answers[self.count] = queue.Queue()
        self._send({"id": self.count, "method": method, "params": params})
        answer = self.answers[self.count].get(timeout=PATIENCE)
        assert "error" not in answer, answer["error"]
        return answer["result"]

    # --- what an editor does ------------------------------------------------------------------

    def open(self, path: Path, text: str | None = None) -> None:
        self.versions[path.as_uri()] = 1
        about = {
            "uri": path.as_uri(),
            "languageId": "alloc",
            "version": 1,
            "text": path.read_text("utf-8") if text is None else text,
        }
        self.notify("textDocument/didOpen", {"textDocument": about})

    def change(self, path: Path, text: str) -> None:
        self.versions[path.as_uri()] += 1
        about = {"uri": path.as_uri(), "version": self.versions[path.as_uri()]}
        changes = [{"text": text}]
        self.notify("textDocument/didChange", {"textDocument": about, "contentChanges": changes})

    def diagnostics(self, path: Path) -> list[dict[str, Any]]:
        """What is published for the present text of a file."""
        while True:
            found = self.published.get(timeout=PATIENCE)
            uri = path.as_uri()
            if (found["uri"], found.get("version")) == (uri, self.versions[uri]):
                shown: list[dict[str, Any]] = found["diagnostics"]
                return shown

    def ask(self, method: str, path: Path, line: int, column: int) -> Any:
        where = {"line": line, "character": column}
        about = {"textDocument": {"uri": path.as_uri()}, "position": where}
        return self.request(f"textDocument/{method}", about)

    def stop(self) -> int:
        self.request("shutdown", None)
        self.notify("exit", None)
        return self.process.wait(timeout=PATIENCE)
