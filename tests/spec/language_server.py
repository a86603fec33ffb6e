"""A small client of yaml-language-server, as an editor is one: messages of the Language Server Protocol over pipes."""

from __future__ import annotations

import json
import os
import queue
import shutil
import subprocess
import threading
from pathlib import Path
from types import TracebackType
from typing import Any

VARIABLE = "YAML_LANGUAGE_SERVER"
SECONDS = 30
"""How long an answer may take."""


def executable() -> str | None:
    """Where the server is: as the variable says, on the PATH, or in the cache of npx."""
    named = os.environ.get(VARIABLE) or shutil.which("yaml-language-server")
    cached = sorted(Path.home().glob(".npm/_npx/*/node_modules/.bin/yaml-language-server"))
    return named or (str(cached[-1]) if cached else None)


class Server:
    """A running server that takes `schema` for every YAML file, or None of its settings."""

    def __init__(self, command: str, schema: Path | None) -> None:
        self.settings = {
            "yaml": {
                "validate": True,
                "hover": True,
                "completion": True,
                "schemaStore": {"enable": False},
                "schemas": {} if schema is None else {schema.as_uri(): ["*.yaml"]},
            }
        }
        self.process = subprocess.Popen(
            [command, "--stdio"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
        self.received: queue.Queue[dict[str, Any]] = queue.Queue()
        self.asked, self.configured = 0, False
        threading.Thread(target=self._listen, daemon=True).start()

    def __enter__(self) -> Server:
        able = {"workspace": {"configuration": True, "didChangeConfiguration": {"dynamicRegistration": True}}}
        self.ask("initialize", {"processId": None, "rootUri": None, "capabilities": able})
        self.tell("initialized", {})
        self.tell("workspace/didChangeConfiguration", {"settings": self.settings})
        while not self.configured:
            self.next()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.process.kill()
        self.process.wait()
        for pipe in (self.process.stdin, self.process.stdout):
            assert pipe is not None
            pipe.close()

    def diagnostics(self, uri: str, text: str) -> list[dict[str, Any]]:
        """What the server finds wrong in a text."""
        document = {"uri": uri, "languageId": "yaml", "version": 1, "text": text}
        self.tell("textDocument/didOpen", {"textDocument": document})
        while True:
            message = self.next()
            if message.get("method") == "textDocument/publishDiagnostics" and message["params"]["uri"] == uri:
                return list(message["params"]["diagnostics"])

    def hover(self, uri: str, line: int, character: int) -> str:
        """The help at a place of an open text, both counted from 0."""
        where = {"textDocument": {"uri": uri}, "position": {"line": line, "character": character}}
        found = self.ask("textDocument/hover", where)
        return str(found["contents"]["value"]) if found else ""

    def completions(self, uri: str, line: int, character: int) -> list[str]:
        """What the server offers at a place."""
        where = {"textDocument": {"uri": uri}, "position": {"line": line, "character": character}}
        return [item["label"] for item in self.ask("textDocument/completion", where)["items"]]

    # -- messages ----------------------------------------------------------------------------------------------------

    def ask(self, method: str, parameters: dict[str, Any]) -> Any:
        self.asked += 1
        number = self.asked
        self._send({"id": number, "method": method, "params": parameters})
        while True:
            message = self.next()
            if message.get("id") == number and "method" not in message:
                assert "error" not in message, message
                return message["result"]

    def tell(self, method: str, parameters: dict[str, Any]) -> None:
        self._send({"method": method, "params": parameters})

    def next(self) -> dict[str, Any]:
        """The next message; what the server itself asks is answered: its settings, else nothing."""
        message = self.received.get(timeout=SECONDS)
        if "id" in message and "method" in message:
            result = None
            if message["method"] == "workspace/configuration":
                result = [self.settings.get(item["section"]) for item in message["params"]["items"]]
                self.configured = True
            self._send({"id": message["id"], "result": result})
        return message

    def _send(self, message: dict[str, Any]) -> None:
        body = json.dumps({"jsonrpc": "2.0", **message}).encode()
        assert self.process.stdin is not None
        self.process.stdin.write(f"Content-Length: {len(body)}\r\n\r\n".encode() + body)
        self.process.stdin.flush()

    def _listen(self) -> None:
        pipe = self.process.stdout
        assert pipe is not None
        while True:
            length = 0
            while line := pipe.readline().strip():
                name, _, value = line.partition(b":")
                length = int(value) if name.lower() == b"content-length" else length
            if not length:
                return
            self.received.put(json.loads(pipe.read(length)))
