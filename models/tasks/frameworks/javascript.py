"""Jest, Vitest, node:test and bun:test, for JavaScript and TypeScript."""

from __future__ import annotations

import re
from os.path import relpath
from pathlib import PurePosixPath

from models.errors import ReplyUnusable
from models.tasks.frameworks.framework import Framework, Tested


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
        exported = rf"^export\b[^\n]*\b{escaped}\b|exports\b[^\n]*\b{escaped}\b"
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
            return f"const {{ {name} }} = require('{target}')"
        return f"import {name if is_default else f'{{ {name} }}'} from '{target}'"

    def new_file(self, tested: Tested, test: str) -> str:
        return f"{self._own_import}{self.import_line(tested)}\n\n{test.rstrip()}\n"


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
    if JavaScriptTests.begins.search(example) and "expect(" in example:  # its names are global
        return JavaScriptTests("Jest", verb, "")
    return None
