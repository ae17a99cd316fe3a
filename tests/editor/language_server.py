"""A client of yaml-language-server: what an editor shows at a place of a file.

The server is the npm package that the YAML support of VS Code, Neovim and Zed starts. ``package-lock.json`` beside this
file pins it, and ``make editor`` installs it.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Sequence
from itertools import count
from pathlib import Path
from types import TracebackType
from typing import Any, Self

COMMAND = ("node", str(Path(__file__).parent / "node_modules/yaml-language-server/bin/yaml-language-server"), "--stdio")
PLACE = "▮"
"""Where the cursor is, in the text of an example."""


class LanguageServer:
    """A running server over one folder; ``command`` starts it, ``root`` is the checkout that is open in the editor."""

    def __init__(self, root: Path, command: Sequence[str] = COMMAND) -> None:
        self._root = root
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self._ids = count(1)
        self._files = count(1)
        self._found: dict[str, list[dict[str, Any]]] = {}

    def __enter__(self) -> Self:
        settings = {"yaml": {"validate": True, "completion": True, "hover": True, "schemaStore": {"enable": False}}}
        abilities = {
            "textDocument": {
                "completion": {"completionItem": {"documentationFormat": ["markdown"]}},
                "hover": {"contentFormat": ["markdown"]},
                "publishDiagnostics": {},
            }
        }
        root = self._root.as_uri()
        self._ask("initialize", {"processId": None, "rootUri": root, "capabilities": abilities})
        self._tell("initialized", {})
        self._tell("workspace/didChangeConfiguration", {"settings": settings})
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.kill()
        self._process.communicate()

    def completions(self, folder: str, text: str) -> dict[str, str]:
        """Return what is proposed at ``▮`` of a file's text, each with its documentation."""
        file, place = self._open(folder, text)
        answer = self._ask("textDocument/completion", {"textDocument": {"uri": file}, "position": place})
        items = answer["items"] if isinstance(answer, dict) else answer or []
        return {str(item["label"]): _text(item.get("documentation")) for item in items}

    def hover(self, folder: str, text: str) -> str:
        """Return what is shown for the word at ``▮``; "" if nothing is."""
        file, place = self._open(folder, text)
        answer = self._ask("textDocument/hover", {"textDocument": {"uri": file}, "position": place})
        return _text(answer["contents"]) if answer else ""

    def problems(self, folder: str, text: str) -> list[str]:
        """Return what is underlined: the underlined text, a colon and the message."""
        file, _ = self._open(folder, text)
        while file not in self._found:
            self._receive()
        lines = text.splitlines()
        return [f"{_underlined(lines, found['range'])}: {found['message']}" for found in self._found[file]]

    def _open(self, folder: str, text: str) -> tuple[str, dict[str, int]]:
        before, _, after = text.partition(PLACE)
        file = (self._root / folder / f"example-{next(self._files)}.yaml").as_uri()
        document = {"uri": file, "languageId": "yaml", "version": 1, "text": before + after}
        self._tell("textDocument/didOpen", {"textDocument": document})
        return file, {"line": before.count("\n"), "character": len(before) - (before.rfind("\n") + 1)}

    def _ask(self, method: str, parameters: Any) -> Any:
        number = next(self._ids)
        self._send({"id": number, "method": method, "params": parameters})
        while True:
            message = self._receive()
            if message.get("id") == number and "method" not in message:
                assert "error" not in message, message["error"]
                return message["result"]

    def _tell(self, method: str, parameters: Any) -> None:
        self._send({"method": method, "params": parameters})

    def _send(self, message: dict[str, Any]) -> None:
        body = json.dumps({"jsonrpc": "2.0", **message}).encode()
        assert self._process.stdin
        self._process.stdin.write(b"Content-Length: %d\r\n\r\n%s" % (len(body), body))
        self._process.stdin.flush()

    def _receive(self) -> dict[str, Any]:
        out = self._process.stdout
        assert out
        length = 0
        while (line := out.readline().strip()) or not length:
            if not line:
                raise EOFError("yaml-language-server has ended")
            name, _, value = line.decode().partition(":")
            if name == "Content-Length":
                length = int(value)
        message: dict[str, Any] = json.loads(out.read(length))
        if message.get("method") == "textDocument/publishDiagnostics":
            self._found[message["params"]["uri"]] = message["params"]["diagnostics"]
        elif "method" in message and "id" in message:
            # It asks for its settings, or to register an ability; null is "nothing special" to all of these.
            self._send({"id": message["id"], "result": None})
        return message


def _text(content: Any) -> str:
    if isinstance(content, list):
        return "\n".join(map(_text, content))
    return str(content["value"] if isinstance(content, dict) else content or "")


def _underlined(lines: list[str], place: dict[str, dict[str, int]]) -> str:
    start, end = place["start"], place["end"]
    line = lines[start["line"]]
    return line[start["character"] : end["character"] if end["line"] == start["line"] else None].strip()
