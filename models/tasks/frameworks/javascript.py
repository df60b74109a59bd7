"""Jest, Vitest, node:test, bun:test and Mocha with Chai, for JavaScript and TypeScript."""

from __future__ import annotations

import re
from os.path import relpath
from pathlib import PurePosixPath

from context.outline import Outline
from context.text import Text
from models.errors import ReplyUnusable
from models.tasks.frameworks.framework import Framework, Tested, another_of_that_name

_REQUIRED = re.compile(
    r"\b(?:const|let|var)\s+(?P<names>\{[^}]*\}|[\w$]+)\s*=\s*require\(\s*['\"](?P<path>[^'\"]+)"
)
# What must stay on top of a file: a shebang, the comments of its head, directives.
_HEAD = re.compile(
    r"(?:#![^\n]*\n)?(?:\s*(?:/\*.*?\*/|//[^\n]*|(['\"])use [\w ]+\1;?))*[ \t]*\n?", re.DOTALL
)
_SUFFIX = re.compile(r"(?:/index)?\.[cm]?[jt]sx?$|/index$")


class JavaScriptTests(Framework):
    compares = re.compile(r"\bexpect\s*\(|\bassert\b")
    begins = re.compile(r"^[ \t]*(?:test|it)\(", re.MULTILINE)

    def __init__(self, spoken: str, verb: str, own_import: str) -> None:
        """`verb`: test or it. `own_import`: what a new file imports for the framework itself."""
        self.spoken, self._verb, self._own_import = spoken, verb, own_import

    def opening(self, name: str) -> str:
        return f"{self._verb}('{name}"

    def import_line(self, tested: Tested) -> str:
        path, source, name = tested.path, tested.source, tested.imported_name
        escaped = re.escape(name)
        is_whole = re.search(rf"\bmodule\.exports\s*=\s*{escaped}\b(?!\s*[.(])", source)
        exported = (
            rf"^export\b[^\n]*\b{escaped}\b|exports\b[^\n]*\b{escaped}\b"
            rf"|^export\s*\{{[^}}]*\b{escaped}\b|\bexports\s*=\s*\{{[^}}]*\b{escaped}\b"
        )
        if not re.search(exported, source, re.MULTILINE):
            raise ReplyUnusable(f"A test cannot import {tested.function.name}; export it first.")
        target = relpath(
            PurePosixPath(path).with_suffix(""), PurePosixPath(tested.test_path).parent
        )
        target = target.replace("\\", "/")
        target = target if target.startswith(".") else f"./{target}"
        written = tested.existing or tested.example
        if path.endswith((".mjs", ".cjs")) or re.search(r"['\"]\.{1,2}/[^'\"]+\.js['\"]", written):
            suffix = PurePosixPath(path).suffix
            target += suffix if suffix in (".mjs", ".cjs") else ".js"
        is_default = re.search(rf"^export default\b[^\n]*\b{escaped}\b", source, re.MULTILINE)
        if re.search(r"\bexports\b", source) and not re.search(r"^export\b", source, re.MULTILINE):
            return f"const {name if is_whole else f'{{ {name} }}'} = require('{target}')"
        return f"import {name if is_default else f'{{ {name} }}'} from '{target}'"

    def new_file(self, tested: Tested, test: str) -> str:
        return f"{self._own_import}{self.import_line(tested)}\n\n{test.rstrip()}\n"

    def has_import(self, tested: Tested, outline: Outline) -> bool:
        name, existing = tested.imported_name, tested.existing
        word = re.compile(rf"(?<![\w$.]){re.escape(name)}(?![\w$]|\s+as\s|\s*:)")
        bound = [found.module for found in outline.imports if name in found.names]
        if re.search(rf"\b{re.escape(name)}\s+as\s", existing):
            bound = []
        bound += [r["path"] for r in _REQUIRED.finditer(existing) if word.search(r["names"])]
        line = self.import_line(tested)
        own = re.findall(r"['\"]([^'\"]+)['\"]", line)[-1]
        for module in bound:
            if module.startswith(".") and _SUFFIX.sub("", module) != _SUFFIX.sub("", own):
                raise another_of_that_name(tested, module)
        return bool(bound)

    def import_offset(self, line: str, existing: str, outline: Outline) -> int:
        del line
        lines = [found.line for found in outline.imports]
        text = Text(existing)
        if lines and text.lines(min(lines), min(lines))[0][:1].strip():
            return text.line_span(min(lines) - 1).start
        head = _HEAD.match(existing)
        return head.end() if head and head[0].strip() else 0


def javascript_framework(example: str) -> Framework | None:
    verb = "it" if re.search(r"^\s*it\(", example, re.MULTILINE) else "test"
    if found := re.search(r"from ['\"](vitest|node:test|@jest/globals|bun:test)['\"]", example):
        own = {
            "vitest": f"import {{ {verb}, expect }} from 'vitest'\n",
            "@jest/globals": f"import {{ {verb}, expect }} from '@jest/globals'\n",
            "bun:test": f"import {{ {verb}, expect }} from 'bun:test'\n",
            "node:test": f"import {{ {verb} }} from 'node:test'\n"
            "import assert from 'node:assert/strict'\n",
        }[found[1]]
        spoken = {"node:test": "node:test and node:assert"}.get(found[1], found[1].strip("@"))
        return JavaScriptTests(spoken, verb, own)
    if re.search(r"require\(['\"]node:test['\"]\)", example):
        own = f"const {{ {verb} }} = require('node:test')\nconst assert = require('node:assert')\n"
        return JavaScriptTests("node:test and node:assert", verb, own)
    if found := re.search(r"(?:from |require\()['\"]chai['\"]", example):
        name = "assert" if re.search(r"\bassert\b[^\n]*chai", example) else "expect"
        is_module = found[0].startswith("from")
        own = f"import {{ {name} }} from 'chai'\n" if is_module else (
            f"const {{ {name} }} = require('chai')\n")  # fmt: skip
        return JavaScriptTests("Mocha and Chai", verb, own)
    if JavaScriptTests.begins.search(example) and "expect(" in example:  # its names are global
        return JavaScriptTests("Jest", verb, "")
    return None
