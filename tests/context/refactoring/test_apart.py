"""The process that refactors: what it gives up, and a workspace that would like to be obeyed."""

from __future__ import annotations

from pathlib import Path

import pytest

from context.refactoring import Kind, Refactoring, Refused
from context.refactoring.process import candidates_apart, carry_out_apart, target_apart
from context.workspace import Workspace

SOURCE = "import json\n\n\ndef total(xs):\n    return json.dumps(xs)\n"


def hostile(folder: Path) -> Path:
    """Settings and modules that would write a file if anything ran or imported them."""
    witness = folder / "witness"
    act = f"open({str(witness)!r}, 'w').write('ran')\n"
    (folder / ".ropeproject").mkdir(parents=True)
    (folder / ".ropeproject" / "config.py").write_text(
        f"{act}\ndef set_prefs(prefs):\n    {act}\ndef project_opened(project):\n    {act}"
    )
    for name in ("json.py", "ast.py", "rope.py", "sitecustomize.py", "tree_sitter.py"):
        (folder / name).write_text(act)
    (folder / "pyproject.toml").write_text(
        '[tool.rope]\nextension_modules = ["json"]\npython_path = ["."]\n'
        'project_opened = "x"\nautomatic_soa = true\n'
    )
    (folder / "a.py").write_text(SOURCE)
    (folder / "b.py").symlink_to("/etc/passwd")
    return witness


async def test_nothing_of_a_workspace_runs_or_is_obeyed(tmp_path: Path) -> None:
    folder = tmp_path / "w"
    witness = hostile(folder)
    before = sorted(p.name for p in folder.iterdir())
    workspace = await Workspace.open(folder, tmp_path / "cache")
    try:
        await workspace.index(lambda _: None)
        at = SOURCE.index("total")
        carried = await workspace.carry_out(Refactoring(Kind.RENAME, "a.py", at, at, "sum_of"), {})
        assert [e.new_text for e in carried.edits] == ["sum_of"]
        target = await workspace.target_at("a.py", at, {})
        assert (target.name, target.what, target.parameters) == ("total", "function", ("xs",))
    finally:
        await workspace.close()
    assert not witness.exists()
    assert sorted(p.name for p in folder.iterdir()) == before


async def test_open_buffers_are_seen_instead_of_files(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("def old(): pass\n")
    (tmp_path / "b.py").write_text("")
    texts = {"b.py": "from a import old\nold()\n"}
    files = {"a.py": "python", "b.py": "python"}
    asked = Refactoring(Kind.RENAME, "a.py", 4, 4, "newer")
    carried = await carry_out_apart(tmp_path, files, texts, asked)
    assert sorted((e.path, e.start) for e in carried.edits) == [
        ("a.py", 4),
        ("b.py", 14),
        ("b.py", 18),
    ]
    assert len({e.file_hash for e in carried.edits}) == 2


async def test_a_refusal_comes_over_as_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("def f(a):\n    return a\n")
    asked = Refactoring(Kind.RENAME, "a.py", 6, 6, "class")
    with pytest.raises(Refused, match="means something of its own"):
        await carry_out_apart(tmp_path, {"a.py": "python"}, {}, asked)
    with pytest.raises(Refused, match="cannot be told"):
        await target_apart(tmp_path, {"a.py": "python"}, {}, "a.py", 0)


async def test_links_out_of_the_workspace_are_not_read(tmp_path: Path) -> None:
    (tmp_path / "a.py").symlink_to("/etc/passwd")
    asked = Refactoring(Kind.RENAME, "a.py", 0, 0, "x")
    with pytest.raises(Refused, match="cannot be read"):
        await carry_out_apart(tmp_path, {"a.py": "python"}, {}, asked)


@pytest.mark.parametrize("name", ["b.java", "b.py", "b.ts"])
async def test_a_binary_file_holds_no_use_and_one_in_utf_16_may(tmp_path: Path, name: str) -> None:
    """Fixtures of parsers and compiled classes bear the endings of sources."""
    suffix = name.partition(".")[2]
    languages = {"java": "java", "py": "python", "ts": "typescript"}
    text = {
        "java": "class A {\n    private int total() { return 1; }\n}\n",
        "py": "def total():\n    return 1\n",
        "ts": "export function total() {\n  return 1\n}\n",
    }[suffix]
    files = dict.fromkeys((f"a.{suffix}", name), languages[suffix])
    (tmp_path / f"a.{suffix}").write_text(text)
    (tmp_path / name).write_bytes(b"\xca\xfe\xba\xbe\0 total")
    at = text.index("total")
    asked = Refactoring(Kind.RENAME, f"a.{suffix}", at, at, "amount")
    carried = await carry_out_apart(tmp_path, files, {}, asked)
    assert [(e.path, e.new_text) for e in carried.edits] == [(f"a.{suffix}", "amount")]
    (tmp_path / name).write_text(text, encoding="utf-16")
    if suffix != "java":  # a private member has no use in another file, so none is read
        with pytest.raises(Refused, match=r"cannot be read \(UTF-16\), so it may hold a use"):
            await carry_out_apart(tmp_path, files, {}, asked)


async def test_what_of_a_long_function_can_be_taken_out(tmp_path: Path) -> None:
    lines = [f"    x{n} = a + {n}" for n in range(6)]
    text = (
        "def f(a):\n"
        + "\n".join(lines)
        + "\n    print(x0)\n    if a:\n        return 1\n    return x5\n"
    )
    (tmp_path / "a.py").write_text(text)
    found = await candidates_apart(tmp_path, {"a.py": "python"}, {}, "a.py", 3, 3)
    assert found
    assert all(2 <= c.first_line <= c.last_line <= 8 for c in found)
    with pytest.raises(Refused, match="in no function"):
        await candidates_apart(tmp_path, {"a.py": "python"}, {}, "a.py", 40, 40)
