"""A client of yaml-language-server over stdio: opens texts and asks what an editor shows for them."""

from __future__ import annotations

import json
import queue
import subprocess
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

from tests.sizes import patient

SETTINGS = {"validate": True, "hover": True, "completion": True, "schemaStore": {"enable": False}}


class LanguageServer:
    """A running server. ``root`` is the folder of the workspace."""

    def __init__(self, program: Path, root: Path) -> None:
        self._root = root
        self._number = 0
        self._uri = ""
        self._messages: queue.Queue[dict[str, Any]] = queue.Queue()
        self._process = subprocess.Popen(
            ["node", str(program), "--stdio"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
        self._reader = threading.Thread(target=self._read)
        self._reader.start()
        capabilities = {
            "workspace": {"configuration": True},
            "textDocument": {
                "completion": {"completionItem": {"documentationFormat": ["markdown"]}},
                "hover": {"contentFormat": ["markdown"]},
            },
        }
        folder = {"uri": root.as_uri(), "name": "root"}
        self._ask(
            "initialize",
            {"processId": None, "rootUri": root.as_uri(), "capabilities": capabilities, "workspaceFolders": [folder]},
        )
        self._send("initialized", {})
        self._send("workspace/didChangeConfiguration", {"settings": {"yaml": SETTINGS}})

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.wait()
        self._reader.join()
        for stream in (self._process.stdin, self._process.stdout):
            assert stream is not None
            stream.close()

    def open(self, text: str) -> list[dict[str, Any]]:
        """Open a new file with this text; returns its diagnostics."""
        self._number += 1
        uri = self._uri = (self._root / f"job-{self._number}.yaml").as_uri()
        self._send(
            "textDocument/didOpen",
            {"textDocument": {"uri": uri, "languageId": "yaml", "version": 1, "text": text}},
        )
        found = self._until(
            lambda one: one.get("method") == "textDocument/publishDiagnostics" and one["params"]["uri"] == uri
        )
        diagnostics: list[dict[str, Any]] = found["params"]["diagnostics"]
        return diagnostics

    def complete(self, line: int, character: int) -> dict[str, dict[str, Any]]:
        """Return the completions at a position (from 0) of the last file, by label."""
        answer = self._ask("textDocument/completion", self._at(line, character))
        items = answer["items"] if isinstance(answer, dict) else answer or []
        return {one["label"]: one for one in items}

    def hover(self, line: int, character: int) -> str:
        """Return the text that an editor shows for the word at a position of the last file, as Markdown."""
        answer = self._ask("textDocument/hover", self._at(line, character))
        return str(answer["contents"]["value"]) if answer else ""

    def _at(self, line: int, character: int) -> dict[str, Any]:
        return {"textDocument": {"uri": self._uri}, "position": {"line": line, "character": character}}

    def _ask(self, method: str, params: Mapping[str, Any]) -> Any:
        self._number += 1
        number = self._number
        self._send(method, params, id=number)
        answer = self._until(lambda one: one.get("id") == number and "method" not in one)
        assert "error" not in answer, answer
        return answer["result"]

    def _until(self, wanted: Any) -> dict[str, Any]:
        """Return the first message that is wanted; answers what the server asks meanwhile."""
        while True:
            message = self._messages.get(timeout=patient(60))
            if wanted(message):
                return message
            if "id" in message and "method" in message:
                self._send(None, {}, id=message["id"], result=self._answer(message))

    def _answer(self, message: Mapping[str, Any]) -> Any:
        if message["method"] != "workspace/configuration":
            return None
        return [SETTINGS if one.get("section") == "yaml" else None for one in message["params"]["items"]]

    def _send(self, method: str | None, params: Mapping[str, Any], **more: Any) -> None:
        message = {"jsonrpc": "2.0", **({"method": method, "params": params} if method else {}), **more}
        body = json.dumps(message).encode()
        assert self._process.stdin is not None
        self._process.stdin.write(b"Content-Length: %d\r\n\r\n%s" % (len(body), body))
        self._process.stdin.flush()

    def _read(self) -> None:
        assert self._process.stdout is not None
        while header := self._process.stdout.readline():
            length = int(header.partition(b":")[2]) if header.lower().startswith(b"content-length") else 0
            while header.strip():
                header = self._process.stdout.readline()
            self._messages.put(json.loads(self._process.stdout.read(length)))
