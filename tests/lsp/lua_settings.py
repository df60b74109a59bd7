"""Writes the server's settings as Lua, so that Neovim's plugin checks what the server would.

    python -m tests.lsp.lua_settings      # after any change of lsp/settings.py

A test compares the file with what this would write.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from lsp.settings import Settings

FILE = Path(__file__).resolve().parents[2] / "editors/nvim/lua/postil/settings.lua"
_HEAD = """\
--- The server's settings: names, types and bounds. Generated from lsp/settings.py by
--- `python -m tests.lsp.lua_settings`; do not edit. The README says what each default is.

---@class (exact) postil.Settings
"""


def rendered() -> str:
    """The whole module, as StyLua would format it."""
    schema = Settings.model_json_schema()
    kinds = {name: _kind(field, schema) for name, field in schema["properties"].items()}
    text = _HEAD
    for name, field in schema["properties"].items():
        said = " ".join(str(field["description"]).split())
        text += f"---@field {name}? {_type(kinds[name])} {said}\n"
    text += "\nlocal M = {}\n\n---@type table<string, postil.Kind>\nM.known = {\n"
    for name, kind in kinds.items():
        parts = ", ".join(f"{key} = {_lua(value)}" for key, value in kind.items())
        text += f"  {name} = {{ {parts} }},\n"
    return text + "}\n\nreturn M\n"


def _kind(field: dict[str, Any], schema: dict[str, Any]) -> dict[str, Any]:
    """`postil.Kind` of one field of the JSON schema."""
    if "$ref" in field:
        field = schema["$defs"][field["$ref"].rpartition("/")[2]]
    if "anyOf" in field:
        (field,) = [part for part in field["anyOf"] if part.get("type") != "null"]
    if "enum" in field:
        return {"type": "string", "one_of": field["enum"]}
    if field["type"] == "array":
        return {"type": "list"}
    kind = {"type": field["type"]}
    bounds = {"min": field.get("minimum"), "max": field.get("maximum")}
    return kind | {name: bound for name, bound in bounds.items() if bound is not None}


def _type(kind: dict[str, Any]) -> str:
    if "one_of" in kind:
        return "|".join(f"'{value}'" for value in kind["one_of"])
    return "string[]" if kind["type"] == "list" else str(kind["type"])


def _lua(value: object) -> str:
    if isinstance(value, str):
        return f"'{value}'"
    if isinstance(value, list):
        return "{ " + ", ".join(map(_lua, value)) + " }"
    return f"{value:g}" if isinstance(value, float) else str(value)


if __name__ == "__main__":
    FILE.write_text(rendered(), encoding="utf-8")
