"""Messages as broken, odd and hostile clients send them, with what each must be answered."""

from __future__ import annotations

import json
import random
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

URIS = ("file:///w/a.py", "file:///w/%F0%9F%98%80.py", "untitled:1", "", "nonsense", "FILE:///w/A")
REQUESTS = (
    "textDocument/hover", "textDocument/codeAction", "codeAction/resolve",
    "workspace/executeCommand", "textDocument/diagnostic", "workspace/diagnostic",
    "textDocument/codeLens", "textDocument/documentSymbol", "workspace/symbol",
    "textDocument/inlineCompletion", "workspace/textDocumentContent", "no/such", "", "initialize",
)  # fmt: skip
COMMANDS = (
    "postil.status", "postil.trace", "postil.receipt", "postil.dismiss", "postil.clear",
    "postil.stop", "postil.locate", "postil.rerun", "postil.explain", "postil.fix",
    "postil.findBugs", "postil.nonsense", "",
)  # fmt: skip
NOTIFICATIONS = (
    "textDocument/didOpen", "textDocument/didChange", "textDocument/didSave",
    "textDocument/didClose", "workspace/didChangeConfiguration", "workspace/didChangeWatchedFiles",
    "window/workDoneProgress/cancel", "postil/trust", "$/setTrace", "no/such", "$/cancelRequest",
)  # fmt: skip
NOT_JSON = (b"", b"{", b"\xff\xfe", b"nonsense", b"[" * 5_000, b'{"a":' * 150 + b"1" + b"}" * 150,
            b'{"jsonrpc": "2.0", "id": 1, "method": "x"', b"\x00" * 10, b"9" * 5_000)  # fmt: skip
TEXTS = ("", "a", "é😀\n", "x\r\ny\rz\u2028\x0c", "\ud800", "def f():\n    return 1\n" * 3)


@dataclass
class Expected:
    """How many answers each id must get; None stands for answers to nobody in particular."""

    replies: Counter[Any] = field(default_factory=Counter)


class Messages:
    """An endless, seeded supply of message bodies."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.expected = Expected()
        self._number = 0
        self._version = 0
        self._recent: list[Any] = [0]

    def body(self) -> bytes:
        kind = self.random.random()
        if kind < 0.03:
            self.expected.replies[None] += 1
            return self.random.choice(NOT_JSON)
        if kind < 0.06:
            return self._json(self._no_message())
        if kind < 0.45:
            return self._json(self._notification())
        if kind < 0.50:
            return self._json(self._reply())
        return self._json(self._request())

    def _json(self, message: Any) -> bytes:
        return json.dumps(message).encode()

    def _no_message(self) -> Any:
        """JSON, and no message of the protocol."""
        odd: Any = self.random.choice(
            [[], 3, None, "x", {}, {"jsonrpc": "1.0", "id": 1, "method": "x"}, {"id": 4},
             {"jsonrpc": "2.0", "id": "s", "params": 1}, {"jsonrpc": "2.0", "method": 3, "id": 7},
             {"jsonrpc": "2.0", "id": True}, {"jsonrpc": "2.0", "id": [1], "method": None}]
        )  # fmt: skip
        is_ours = isinstance(odd, dict) and odd.get("jsonrpc") == "2.0"
        named = odd.get("id") if is_ours else None
        is_id = isinstance(named, int | str) and not isinstance(named, bool)
        self.expected.replies[named if is_id else None] += 1
        return odd

    def _request(self) -> Any:
        name = self.random.choice(REQUESTS)
        message: dict[str, Any] = {"jsonrpc": "2.0", "method": name}
        message["id"] = request_id = self._id()
        self._recent = [*self._recent[-20:], request_id]
        is_id = isinstance(request_id, int | str) and not isinstance(request_id, bool)
        self.expected.replies[request_id if is_id else None] += 1
        if self.random.random() < 0.9:
            message["params"] = self._params(name)
        return message

    def _id(self) -> Any:
        if self.random.random() < 0.03:
            return self.random.choice([None, True, 1.5, {}, [1], *self._recent[-3:]])
        self._number += 1
        return self._number if self._number % 3 else f"id-{self._number}"

    def _reply(self) -> Any:
        """To a question that nobody asked, or long ago; it is answered by nothing."""
        odd_id = self.random.choice(["postil-1", "postil-999", 3, None, [], {}, True])
        error = self.random.choice([None, 3, {}, {"code": "x", "message": []}, {"code": 1}])
        key = self.random.choice(["result", "error"])
        return {"jsonrpc": "2.0", "id": odd_id, key: error}

    def _notification(self) -> Any:
        name = self.random.choice(NOTIFICATIONS)
        return {"jsonrpc": "2.0", "method": name, "params": self._params(name)}

    def _params(self, name: str) -> Any:
        if self.random.random() < 0.15:
            return self._anything()
        document: dict[str, Any] = {"uri": self.random.choice(URIS)}
        if name in ("textDocument/didOpen", "textDocument/didChange"):
            self._version += self.random.choice([-1, 0, 1, 1, 1])
            document["version"] = self._version
        if name == "textDocument/didOpen":
            document.update(languageId="python", text=self.random.choice(TEXTS))
        params: dict[str, Any] = {"textDocument": document}
        params.update(self._more(name))
        if self.random.random() < 0.05:
            params.pop(self.random.choice(list(params)))
        return params

    def _more(self, name: str) -> dict[str, Any]:
        match name:
            case "textDocument/didChange":
                return {"contentChanges": [self._change() for _ in range(self.random.randrange(3))]}
            case "workspace/executeCommand":
                argument = {
                    "uri": self.random.choice(URIS), "line": self._small(), "first_line": 1,
                    "last_line": self._small(), "report": self.random.choice(TEXTS), "id": "x",
                }  # fmt: skip
                command = self.random.choice(COMMANDS)
                return {"command": command, "arguments": [argument], "workDoneToken": self._small()}
            case "$/cancelRequest":
                return {"id": self.random.choice(self._recent)}
            case "textDocument/codeAction":
                return {"range": self._range(), "context": {"diagnostics": []}}
            case "workspace/diagnostic":
                return {"previousResultIds": [{"uri": "x", "value": "y"}]}
            case "workspace/symbol":
                return {"query": self.random.choice(TEXTS)}
            case "workspace/didChangeWatchedFiles":
                return {"changes": [{"uri": self.random.choice(URIS), "type": 2}]}
            case "codeAction/resolve":
                return {"title": "x", "data": self._anything()}
            case "workspace/textDocumentContent":
                return {"uri": self.random.choice([*URIS, "postil-trace:/x.txt"])}
            case "postil/trust":
                return {"trusted": self._anything()}
        return {"position": self._position(), "context": {"triggerKind": 1}, "settings": {}}

    def _change(self) -> dict[str, Any]:
        change: dict[str, Any] = {"text": self.random.choice(TEXTS)}
        if self.random.random() < 0.8:
            change["range"] = self._range()
        return change

    def _range(self) -> dict[str, Any]:
        return {"start": self._position(), "end": self._position()}

    def _position(self) -> dict[str, int]:
        return {"line": self._small(), "character": self._small()}

    def _small(self) -> int:
        return self.random.choice([0, 0, 1, 1, 2, 5, 100, 2**31 - 1, -1])

    def _anything(self) -> Any:
        return self.random.choice([None, True, 0, -1, 2**40, 1.5, "", "x", [], [[]], {}, {"a": 1}])
