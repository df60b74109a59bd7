"""The architecture's import rules: which package may see which, and where a library may appear."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("context", "models", "lsp")
MAY_IMPORT = {
    "context": {"context"},
    "models": {"models", "context"},
    "lsp": {"lsp", "models", "context"},
}
ONLY_IN = {
    "pygls": ("lsp/",),
    "lsprotocol": ("lsp/",),
    "llama_cpp": ("models/backends/llama_cpp.py",),
    "tree_sitter": ("context/syntax.py",),
    "git": ("context/git.py",),
    "sqlite3": ("context/store.py",),
    "rich": ("lsp/",),
    "typer": ("lsp/",),
    "cryptography": ("lsp/bundle/signing.py",),
    "cyclonedx": ("lsp/bundle/sbom.py",),
    "packageurl": ("lsp/bundle/sbom.py",),
    "packaging": ("lsp/bundle/",),
}
NEVER = {
    "socket", "ssl", "http", "urllib", "urllib3", "requests", "httpx", "aiohttp", "ftplib",
    "smtplib", "telnetlib", "xmlrpc", "socketserver", "websockets",  # it opens no connection
    "pickle", "marshal", "shelve", "dill", "joblib", "torch",  # it loads nothing that can run
}  # fmt: skip
# urllib.parse takes a URI apart and opens nothing.
ALLOWED = {("lsp/from_lsp.py", "urllib.parse"), ("lsp/to_lsp.py", "urllib.parse")}


def _imports(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            if node.module == "urllib":
                yield from (f"urllib.{alias.name}" for alias in node.names)
            else:
                yield node.module or ""


def _all_imports() -> list[tuple[str, str]]:
    found = [
        (path.relative_to(ROOT).as_posix(), name)
        for package in PACKAGES
        for path in sorted((ROOT / package).rglob("*.py"))
        for name in _imports(path)
    ]
    assert len(found) > 100, "the walk found too little to prove anything"
    return found


def test_packages_import_one_way() -> None:
    wrong = [
        (path, name)
        for path, name in _all_imports()
        if (top := name.partition(".")[0]) in PACKAGES
        and top not in MAY_IMPORT[path.partition("/")[0]]
    ]
    assert wrong == []


def test_each_library_has_one_home() -> None:
    wrong = [
        (path, name)
        for path, name in _all_imports()
        if (homes := ONLY_IN.get(name.partition(".")[0])) and not path.startswith(homes)
    ]
    assert wrong == []


def test_nothing_on_the_run_path_can_connect_or_unpickle() -> None:
    wrong = [
        (path, name)
        for path, name in _all_imports()
        if name.partition(".")[0] in NEVER and (path, name) not in ALLOWED
    ]
    assert wrong == []


def test_what_runs_before_anything_is_installed_needs_only_python() -> None:
    alone = ("lsp/bundle/installer.py", "lsp/bootstrap.py")
    used = {(path, name.partition(".")[0]) for path, name in _all_imports() if path in alone}
    assert {path for path, _ in used} == {*alone}
    assert {(path, name) for path, name in used if name not in sys.stdlib_module_names} == set()


def test_nothing_but_the_command_that_makes_bundles_needs_its_extra() -> None:
    """The command line and the installer work where the extra `bundle` is not installed."""
    makes = ("make", "signing", "sbom", "wheels", "licences", "platforms", "llama_wheel")
    reached = {"lsp/cli.py", "lsp/commands/bundle.py", "lsp/bundle/installer.py"}
    wrong = [
        (path, node.lineno)
        for path in reached
        for node in ast.parse((ROOT / path).read_text(encoding="utf-8")).body
        if isinstance(node, ast.ImportFrom)
        and (node.module or "").startswith("lsp.bundle")
        and {*makes} & {(node.module or "").rpartition(".")[2], *(a.name for a in node.names)}
    ]
    assert wrong == []


def test_lines_are_split_in_one_place() -> None:
    wrong = [
        path.relative_to(ROOT).as_posix()
        for package in PACKAGES
        for path in sorted((ROOT / package).rglob("*.py"))
        if ".splitlines(" in path.read_text(encoding="utf-8")
    ]
    assert wrong == []
