"""From a name in one file to its definition, in the usual layouts of several languages."""

from __future__ import annotations

from pathlib import Path

import pytest

from context.evidence.places import FileNames
from context.resolving import Resolver, _spellings
from context.store import Reader, index_folder
from tests.context.conftest import OpenWorkspace

# Two definitions of each name, so that only the import can tell which is meant.
TREES = {
    "python, relative, through a re-export": (
        {
            "shop/__init__.py": "from .prices import total\n",
            "shop/prices.py": "def total(p): return 1\n",
            "other/prices.py": "def total(p): return 2\n",
            "app.py": "from shop import total\ntotal([])\n",
        },
        "app.py",
        "shop/prices.py",
    ),
    "python, from a sibling": (
        {
            "shop/prices.py": "def total(p): return 1\n",
            "other/prices.py": "def total(p): return 2\n",
            "shop/pay.py": "from .prices import total\ntotal([])\n",
        },
        "shop/pay.py",
        "shop/prices.py",
    ),
    "typescript, through an index": (
        {
            "src/prices/total.ts": "export function total() { return 1 }\n",
            "src/prices/index.ts": "export { total } from './total'\n",
            "src/other/total.ts": "export function total() { return 2 }\n",
            "src/pay.ts": "import { total } from './prices'\ntotal()\n",
        },
        "src/pay.ts",
        "src/prices/total.ts",
    ),
    "javascript, require": (
        {
            "lib/a/util.js": "function total() {}\n",
            "lib/b/util.js": "function total() {}\n",
            "lib/b/pay.js": "import { total } from '../a/util.js'\ntotal()\n",
        },
        "lib/b/pay.js",
        "lib/a/util.js",
    ),
    "java": (
        {
            "src/com/a/Prices.java": "package com.a; class Prices { int total() {return 1;} }\n",
            "src/com/b/Prices.java": "package com.b; class Prices { int total() {return 2;} }\n",
            "src/com/c/Pay.java": "package com.c; import com.b.Prices; class Pay {}\n",
        },
        "src/com/c/Pay.java",
        "src/com/b/Prices.java",
    ),
    "rust": (
        {
            "src/a/prices.rs": "pub fn total() {}\n",
            "src/b/prices.rs": "pub fn total() {}\n",
            "src/pay.rs": "use crate::b::prices::total;\nfn pay() { total() }\n",
        },
        "src/pay.rs",
        "src/b/prices.rs",
    ),
    "c++, header": (
        {
            "include/a/prices.h": "int total();\ninline int total() { return 1; }\n",
            "include/b/prices.h": "inline int total() { return 2; }\n",
            "src/pay.cpp": '#include "b/prices.h"\nint pay() { return total(); }\n',
        },
        "src/pay.cpp",
        "include/b/prices.h",
    ),
}


@pytest.mark.parametrize("layout", TREES)
async def test_imports_tell_which_definition_is_meant(
    layout: str, root: Path, tmp_path: Path, open_workspace: OpenWorkspace
) -> None:
    files, source, target = TREES[layout]
    for path, text in files.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text)
    workspace = await open_workspace()
    await workspace.index(lambda _: None)
    reader = Reader(index_folder(root.resolve(), tmp_path / "cache") / "index.sqlite")
    try:
        resolver = Resolver(reader, FileNames(reader))
        assert {at.path for at in resolver.definitions(source, "total")} == {target}
        assert (
            target in dict(resolver.imported_files(source))
            or "re-export" in layout
            or ("index" in layout)
        )
    finally:
        reader.close()


async def test_what_is_ambiguous_resolves_to_nothing(
    root: Path, tmp_path: Path, open_workspace: OpenWorkspace
) -> None:
    for name in ("a", "b", "c"):
        (root / f"{name}.py").write_text("from missing import total\n" if name == "c" else
                                         "def total(): pass\n")  # fmt: skip
    workspace = await open_workspace()
    await workspace.index(lambda _: None)
    reader = Reader(index_folder(root.resolve(), tmp_path / "cache") / "index.sqlite")
    try:
        resolver = Resolver(reader, FileNames(reader))
        assert resolver.definitions("c.py", "total") == []
        assert resolver.definitions("c.py", "nowhere") == []
    finally:
        reader.close()


@pytest.mark.parametrize(
    ("importer", "module", "parts"),
    [
        ("a/b/x.ts", "../../lib/foo", ("lib", "foo")),
        ("a/b/x.ts", "../../../lib/foo", None),
        ("a/b/x.py", "...lib", ("lib",)),
        ("a/b/x.py", "....lib", None),
    ],
)
def test_what_leads_out_of_the_workspace_leads_nowhere(
    importer: str, module: str, parts: tuple[str, ...] | None
) -> None:
    found = list(_spellings(importer, module, ()))
    assert found == [] if parts is None else found[0] == parts
