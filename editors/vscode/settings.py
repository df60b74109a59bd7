"""Write the manifest's settings from the server's, so that there is one truth.

    python editors/vscode/settings.py --write   # package.json and package.nls.json
    python editors/vscode/settings.py           # only say whether they are up to date

Every setting is one of the machine's unless the server's `WINDOW` names it: a folder that somebody
opens must not choose a model, a program, an address or a folder. Those of the window are not taken
from a folder that is not trusted. The extension's own settings stand in the manifest and are kept.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent.parent))

from lsp.settings import WINDOW, Settings  # noqa: E402 - needs the line above

PREFIX = "postil."
OWN = ("server_command",)  # the server does not know them
_COPIED = ("type", "items", "enum", "minimum", "maximum", "pattern", "default")


def main() -> int:
    parser = argparse.ArgumentParser(description="Settings of the VS Code extension.")
    parser.add_argument("--write", action="store_true", help="write what has changed")
    write = parser.parse_args().write
    stale = [file for file, text in rendered().items() if file.read_text("utf-8") != text]
    for file in stale:
        if write:
            file.write_text(rendered()[file], "utf-8")
        sys.stderr.write(f"{file.name}: {'written' if write else 'not up to date; use --write'}\n")
    return 0 if write or not stale else 1


def rendered() -> dict[Path, str]:
    """Both files as they should be."""
    manifest_file, texts_file = HERE / "package.json", HERE / "package.nls.json"
    manifest = json.loads(manifest_file.read_text("utf-8"))
    texts = json.loads(texts_file.read_text("utf-8"))
    schema = Settings.model_json_schema()
    given = manifest["contributes"]["configuration"]["properties"]
    properties = {f"{PREFIX}{name}": given[f"{PREFIX}{name}"] for name in OWN}
    kept = {f"setting.{name}" for name in OWN}
    texts = {key: text for key, text in texts.items() if _is_kept(key, kept)}
    for name, about in schema["properties"].items():
        properties[f"{PREFIX}{name}"] = _property(name, about, schema.get("$defs", {}))
        texts[f"setting.{name}"] = about["description"]
    manifest["contributes"]["configuration"]["properties"] = properties
    window = [f"{PREFIX}{name}" for name in schema["properties"] if name in WINDOW]
    manifest["capabilities"]["untrustedWorkspaces"]["restrictedConfigurations"] = window
    return {manifest_file: _json(manifest), texts_file: _json(texts)}


def _is_kept(key: str, kept: set[str]) -> bool:
    return not key.startswith("setting.") or key in kept


def _property(name: str, about: dict[str, Any], shared: dict[str, Any]) -> dict[str, Any]:
    """One setting as the editor describes it. A folder's default depends on the machine: empty."""
    if "$ref" in about:
        about = {**shared[about["$ref"].rpartition("/")[2]], **about}
    if "anyOf" in about:  # a path or nothing
        about = {**about["anyOf"][0], **about, "default": ""}
    described = {key: about[key] for key in _COPIED if key in about}
    described.setdefault("default", "")
    return {
        **described,
        "description": f"%setting.{name}%",
        "scope": "window" if name in WINDOW else "machine",
        "order": list(Settings.model_fields).index(name) + len(OWN),
    }


def _json(value: object) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    sys.exit(main())
