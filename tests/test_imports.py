"""The architecture's import rules: which package may see which, and where a library may appear."""

from __future__ import annotations

import ast
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

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
    # The probe asks what the library was built for, in its own process; it loads no weights.
    "llama_cpp": (
        "models/backends/llama_cpp.py",
        "models/backends/llama_sampler.py",
        "models/backends/llama_probe.py",
    ),
    "transformers": ("models/backends/transformers_model.py",),
    "llguidance": ("models/backends/transformers_model.py",),
    "tokenizers": ("models/backends/transformers_model.py",),
    "tree_sitter": ("context/syntax.py", "context/dissecting.py"),
    "rope": ("context/refactoring/python/",),
    "git": ("context/git.py",),
    "sqlite3": ("context/store/",),
    "rich": ("lsp/",),
    "typer": ("lsp/",),
    "cryptography": ("lsp/bundle/signing.py",),
    "cyclonedx": ("lsp/bundle/sbom.py",),
    "packageurl": ("lsp/bundle/sbom.py",),
    "packaging": ("lsp/bundle/",),
}
NEVER = {
    "socket", "ssl", "http", "urllib", "urllib3", "requests", "httpx", "aiohttp", "ftplib",
    "httpx2", "httpcore", "httpcore2",
    "smtplib", "telnetlib", "xmlrpc", "socketserver", "websockets",  # it opens no connection
    "pickle", "marshal", "shelve", "dill", "joblib", "torch",  # it loads nothing that can run
}  # fmt: skip
# urllib.parse takes a URI apart and opens nothing. One module has the HTTP client, and the names of
# the errors behind that client's own; NETWORK says who may import that module.
HTTP_CLIENT = "models/backends/http_client.py"
ALLOWED = {
    # urllib.parse takes a URI apart and opens nothing.
    ("lsp/from_lsp.py", "urllib.parse"),
    ("lsp/commands/sarif.py", "urllib.parse"),
    # `postil models fetch --url URL`: the user names the URL, and nothing else imports the module.
    ("models/download.py", "http.client"),
    ("models/download.py", "urllib.error"),
    ("models/download.py", "urllib.parse"),
    ("models/download.py", "urllib.request"),
    # The attempts to connect that `postil doctor --prove-offline` must see stopped.
    ("lsp/offline/controls.py", "socket"),
    ("models/backends/endpoint.py", "urllib.parse"),
    # In a process of its own, behind an extra; safetensors only (models/folders.py sees to it).
    ("models/backends/transformers_model.py", "torch"),
    # `postil serve --websocket PORT`: listens where the user asked for it, connects nowhere.
    ("lsp/transports.py", "websockets.asyncio.server"),
    ("lsp/transports.py", "websockets.exceptions"),
    ("lsp/transports.py", "websockets.http11"),
    (HTTP_CLIENT, "httpx2"),
    (HTTP_CLIENT, "socket"),
    (HTTP_CLIENT, "ssl"),
}
# Who may import the modules that can connect. Nothing here is reached from the server.
IMPORTED_ONLY_BY = {
    "models.download": {"lsp/commands/models.py"},
    "lsp.offline.controls": {"lsp/offline/proof.py"},
    "lsp.offline.proof": {"lsp/commands/doctor.py", "lsp/checks.py"},
}
NETWORK = {
    f"models.backends.{name}"
    for name in ("http_client", "servers", "server_scores", "openai", "ollama", "network")
}


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


def test_the_http_client_is_behind_one_door_that_only_endpoints_open() -> None:
    """What imports it are its own modules; the one way in is an import inside one function."""
    inside = {f"{name.replace('.', '/')}.py" for name in NETWORK}
    doors = {path for path, name in _all_imports() if name in NETWORK and path not in inside}
    assert doors == {"lsp/backend.py"}
    source = ast.parse((ROOT / "lsp/backend.py").read_text(encoding="utf-8"))
    found = [
        (function.name, node.module)
        for function in ast.walk(source)
        if isinstance(function, ast.AsyncFunctionDef)
        for node in ast.walk(function)
        if isinstance(node, ast.ImportFrom) and node.module in NETWORK
    ]
    assert found == [("_open_endpoints", "models.backends.network")]


def test_an_offline_server_and_command_line_load_no_http_client() -> None:
    code = (
        "import sys, lsp.server, lsp.methods, lsp.cli, lsp.commands.locate, lsp.commands.eval\n"
        "wrong = {'httpx', 'httpx2', 'httpcore2', 'torch', 'transformers'} & set(sys.modules)\n"
        "sys.exit(str(sorted(wrong)) if wrong else 0)"
    )
    ended = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=60
    )
    assert ended.returncode == 0, ended.stderr


def test_what_can_connect_is_imported_by_its_command_alone() -> None:
    for module, importers in IMPORTED_ONLY_BY.items():
        found = {path for path, name in _all_imports() if name == module}
        assert found == importers, module


def test_a_running_server_has_not_even_loaded_what_can_connect() -> None:
    """The standard library's own imports are not ours to forbid: asyncio brings socket and ssl."""
    code = (
        "import lsp.server, lsp.methods, lsp.command_table as table, sys, json;"
        "[table.call_of(command) for command in table.COMMANDS.values()];"
        "print(json.dumps(sorted(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-P", "-c", code],
        capture_output=True,
        check=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    loaded = set(json.loads(done.stdout))
    assert "lsp.session" in loaded
    assert not loaded & {*IMPORTED_ONLY_BY, "urllib.request", "http.client", "llama_cpp"}


AUDITED = """
import asyncio, json, socket, sys, tempfile
from pathlib import Path
seen = []
WATCHED = ("socket.connect", "socket.getaddrinfo", "socket.gethostbyname", "socket.sendto",
           "socket.sendmsg", "socket.bind", "urllib.Request", "http.client.connect")
sys.addaudithook(lambda event, args: seen.append(event) if event in WATCHED else None)
from lsp.offline.job import index_and_locate, make_workspace
folder = Path(sys.argv[1])
said = asyncio.run(index_and_locate(make_workspace(folder), folder / "cache"))
during = list(seen)
with socket.socket() as listener:
    listener.bind(("127.0.0.1", 0))
    listener.listen()
    socket.create_connection(listener.getsockname()).close()
print(json.dumps({"said": said, "during": during, "control": seen[len(during):]}))
"""


@pytest.mark.skipif(sys.platform == "win32", reason="asyncio's own pairs are connections there")
def test_no_call_of_a_locate_in_process_connects_or_looks_up_a_name(tmp_path: Path) -> None:
    """Python's audit events of this very process; the control shows that they would be seen."""
    done = subprocess.run(
        [sys.executable, "-P", "-c", AUDITED, str(tmp_path)],
        capture_output=True,
        check=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    told = json.loads(done.stdout)
    assert "the first is total" in told["said"]
    assert {"socket.bind", "socket.getaddrinfo", "socket.connect"} <= set(told["control"])
    assert told["during"] == []


def test_what_runs_before_anything_is_installed_needs_only_python() -> None:
    alone = ("lsp/bundle/installer.py", "lsp/bootstrap.py", "lsp/accelerators.py")
    used = {
        (path, name.partition(".")[0])
        for path, name in _all_imports()
        if path in alone and name != "lsp.accelerators"  # which is among them
    }
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
