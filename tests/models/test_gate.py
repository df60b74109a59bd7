"""Every check of the gate: what passes, and what is refused with which sentence."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from context.languages import language_of
from context.outline import Outline
from context.syntax import outline
from context.text import Text, content_hash, encode
from context.window import ContextWindow, Receipt, Role, ShownPiece, Snippet
from models.gate import Deletion, Verdict, apply_edits, check_edits, check_rewrite, path_refusal
from models.replies import EditsReply, RewriteReply, SearchReplace

SOURCE = """\
import os


def first(items):
    head = items[0]
    return head


def second(items):
    head = items[0]
    tail = items[1:]
    for item in tail:
        print(item)
    return head, tail
"""


async def _outline_of(path: str, text: str) -> Outline:
    language = language_of(path)
    assert language is not None
    return outline(encode(text), language)


def _snippet(source: str, first: int, last: int, path: str = "a.py") -> Snippet:
    lines = "\n".join(Text(source).lines(first, last))
    return Snippet(path, first, last, None, lines, Role.SUSPECT, "test", content_hash(source))


def _window(*snippets: Snippet) -> ContextWindow:
    ids = {path: f"F{n}" for n, path in enumerate(dict.fromkeys(s.path for s in snippets), 1)}
    pieces = tuple(ShownPiece(ids[s.path], s, 1) for s in snippets)
    return ContextWindow(pieces, Receipt(100, len(pieces), pieces, ()))


async def _check(
    search: str,
    replace: str,
    *,
    source: str = SOURCE,
    lines: tuple[int, int] = (9, 14),
    now: str | None = None,
    file_id: str = "F1",
    deletion: Deletion = Deletion.LITTLE,
    path: str = "a.py",
) -> Verdict:
    reply = EditsReply("Because.", (SearchReplace(file_id, search, replace),))
    window = _window(_snippet(source, *lines, path))
    current = {path: source if now is None else now}
    return await check_edits(reply, window, current, _outline_of, deletion)


def _refused(verdict: Verdict) -> str:
    assert verdict.edits == ()
    return verdict.refusals[0].check


async def test_an_exact_anchor_passes_and_changes_only_its_lines() -> None:
    verdict = await _check("    head = items[0]", "    head = items[0] if items else None")
    assert verdict.refusals == ()
    changed = apply_edits(SOURCE, verdict.edits)
    assert changed.count("if items else None") == 1
    assert changed.index("if items else None") > changed.index("def second")


async def test_a_lost_indentation_is_put_back() -> None:
    verdict = await _check("for item in tail:\n    print(item)", "for item in tail:\n    log(item)")
    assert apply_edits(SOURCE, verdict.edits) == SOURCE.replace("print(item)", "log(item)")


async def test_an_anchor_that_was_not_shown_or_is_not_unique_is_refused() -> None:
    assert _refused(await _check("import os", "import sys")) == "anchor"
    assert _refused(await _check("    head = items[0]", "    x", lines=(1, 14))) == "anchor"
    assert _refused(await _check("  \n", "x")) == "anchor"


async def test_a_file_that_was_not_shown_is_refused() -> None:
    assert _refused(await _check("    head = items[0]", "    x = 1", file_id="F2")) == "shown"


async def test_a_file_that_moved_on_is_refused() -> None:
    verdict = await _check("    head = items[0]", "    head = 1", now=SOURCE + "\n# later\n")
    assert _refused(verdict) == "version"
    assert "a.py has changed since it was read" in verdict.refusals[0].sentence


async def test_a_new_parse_error_is_refused_and_an_old_one_is_not_held_against_it() -> None:
    assert _refused(await _check("    head = items[0]", "    head = (items[0]")) == "syntax"
    broken = SOURCE.replace("import os", "import (os")
    verdict = await _check("    head = items[0]", "    head = None", source=broken)
    assert verdict.refusals == ()


async def test_deleting_what_was_not_asked_for_is_refused() -> None:
    body = "\n".join(Text(SOURCE).lines(10, 14))
    assert _refused(await _check(body, "    return None")) == "deletion"
    whole = "\n".join(Text(SOURCE).lines(9, 14))
    other = whole.replace("second", "third")
    assert _refused(await _check(whole, other, deletion=Deletion.LINES)) == "deletion"
    assert (await _check(whole, other, deletion=Deletion.AS_TOLD)).edits


async def test_tags_invisible_characters_and_no_ops_are_refused() -> None:
    line = "    head = items[0]"
    assert _refused(await _check(line, line + "  # </think>")) == "tags"
    assert _refused(await _check(line, line + "  # \u202e x")) == "invisible"
    assert _refused(await _check(line, line)) == "no-op"
    assert _refused(await _check(line, "    x = 1\n" * 4_000)) == "size"


async def test_line_ends_of_the_file_are_kept() -> None:
    source = SOURCE.replace("\n", "\r\n")
    new = "    head = items[0]\n    if not head:\n        return None, []"
    verdict = await _check("    head = items[0]", new, source=source)
    changed = apply_edits(source, verdict.edits)
    assert "\n" not in changed.replace("\r\n", "")


async def test_rewritten_lines_become_the_smallest_edits() -> None:
    region = _snippet(SOURCE, 9, 14)
    code = region.text.replace("print(item)", "print(item, 1)").replace("items[1:]", "items[2:]")
    reply = RewriteReply("Because.", code)
    verdict = await check_rewrite(reply, region, {"a.py": SOURCE}, _outline_of, Deletion.LITTLE)
    assert len(verdict.edits) == 2
    expected = SOURCE.replace("print(item)", "print(item, 1)").replace("items[1:]", "items[2:]")
    assert apply_edits(SOURCE, verdict.edits) == expected
    cut = RewriteReply("Because.", "def second(items):\n    return items")
    verdict = await check_rewrite(cut, region, {"a.py": SOURCE}, _outline_of, Deletion.LITTLE)
    assert _refused(verdict) == "deletion"


PART = st.sampled_from(
    [".git", ".GIT", "git~1", ".git.", ".git ", ".git::$INDEX_ALLOCATION", ".g\u200cit", ".vscode",
     ".github", ".idea", ".."]
)  # fmt: skip


@given(st.lists(st.sampled_from(["a", "b.c"]), max_size=2), PART, st.sampled_from(["x", "config"]))
def test_hostile_paths_are_refused(before: list[str], part: str, name: str) -> None:
    assert path_refusal("/".join([*before, part, name])) is not None


def test_other_places_that_are_not_the_workspaces_are_refused() -> None:
    for path in ("/etc/passwd", "C:\\x.py", "c:/x.py", "\\\\host\\x", "a/../b", "", ".env",
                 ".envrc", "x.code-workspace", "a/\n", "AGENTS.md", "poetry.lock"):  # fmt: skip
        assert path_refusal(path) is not None, path
    for path in ("a.py", "src/a.b.py", "github/x.py", "agit/x"):
        assert path_refusal(path) is None, path
