"""Every check of the gate: what passes, and what is refused with which sentence."""

from __future__ import annotations

import sys
import unicodedata
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from context.text import Span, Text, content_hash
from context.window import ContextWindow, Receipt, Role, ShownPiece, Snippet
from models.findings import Edit, NewFile
from models.gate import (
    INVISIBLE,
    Deletion,
    Verdict,
    apply_edits,
    check_edits,
    check_rewrite,
    confirmation_of,
    new_file_refusal,
    path_refusal,
    place_confirmation,
    place_refusal,
    uses_remarks,
)
from models.replies import EditsReply, RewriteReply, SearchReplace
from tests.code import ParsedHere

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
    return await check_edits(reply, window, current, ParsedHere().outline, deletion)


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
    for unseen in "\u202e\ufff9\u070f\U0001d173":
        assert _refused(await _check(line, f"{line}  # {unseen} x")) == "invisible", unseen
    assert _refused(await _check(line, line)) == "no-op"
    assert _refused(await _check(line, "    x = 1\n" * 4_000)) == "size"


def test_every_format_character_counts_as_invisible() -> None:
    known = map(chr, range(sys.maxunicode + 1))
    passed = [c for c in known if unicodedata.category(c) == "Cf" and not INVISIBLE.match(c)]
    assert passed == [], "what the newest Python knows belongs into the pattern"


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
    verdict = await check_rewrite(
        reply, region, {"a.py": SOURCE}, ParsedHere().outline, Deletion.LITTLE
    )
    assert len(verdict.edits) == 2
    expected = SOURCE.replace("print(item)", "print(item, 1)").replace("items[1:]", "items[2:]")
    assert apply_edits(SOURCE, verdict.edits) == expected
    cut = RewriteReply("Because.", "def second(items):\n    return items")
    verdict = await check_rewrite(
        cut, region, {"a.py": SOURCE}, ParsedHere().outline, Deletion.LITTLE
    )
    assert _refused(verdict) == "deletion"


LINE_ENDS = st.sampled_from(["\n", "\r\n"])
CHANGE = st.sampled_from(
    [
        (["x = 1"], ["x = 1", "y = é"]),  # added at the end
        (["x = 1", "y = 2"], ["x = 1", 'y = "😀"']),  # the last changed
        (["x = 1", "y = 2"], ["x = 1"]),  # the last removed
        (["x = 1"], ["y = 0", "x = 1"]),
        (["x = 1", "", "y = 2"], ["x = 2", "", "y = 2", "", "z = 3"]),
    ]
)


@given(CHANGE, LINE_ENDS, st.sampled_from([(0, 0), (1, 0), (1, 1)]))
async def test_the_end_of_a_file_stays_as_it_is_when_its_last_lines_change(
    change: tuple[list[str], list[str]], eol: str, at_end: tuple[int, int]
) -> None:
    """`at_end`: ends-of-line after the last line, and empty lines that are shown after it."""
    old, new = change
    before, end = ["import os", *old], eol * at_end[0]
    source = eol.join(before) + end
    last = len(before) + at_end[1]
    verdict = await check_rewrite(
        RewriteReply("Because.", "\n".join(new)), _snippet(source, 2, last), {"a.py": source},
        ParsedHere().outline, Deletion.AS_TOLD,
    )  # fmt: skip
    assert verdict.refusals == ()
    assert apply_edits(source, verdict.edits) == eol.join(["import os", *new]) + end


@pytest.mark.parametrize(
    ("path", "source", "step"),
    [
        ("a.go", "package a\n\nfunc f(a int) int {\n\tif a > 1 {\n\t\treturn 2\n\t}\n"
         "\treturn 1\n}\n", "    "),
        ("a.js", "function f(a) {\n  if (a > 1) {\n    return 2\n  }\n  return 1\n}\n", "    "),
        ("a.js", "function f(a) {\n    if (a > 1) {\n        return 2\n    }\n    return 1\n}\n",
         "  "),
    ],
)  # fmt: skip
async def test_another_step_of_indentation_changes_no_line_by_itself(
    path: str, source: str, step: str
) -> None:
    lines = source.rstrip("\n").split("\n")
    own = "\t" if "\t" in source else " " * (6 - len(step))
    answer = [line.replace(own, step).replace("return 2", "return 3") for line in lines]
    region = _snippet(source, 1, len(lines), path)
    verdict = await check_rewrite(
        RewriteReply("Because.", "\n".join(answer)), region, {path: source}, ParsedHere().outline,
        Deletion.LITTLE,
    )  # fmt: skip
    assert apply_edits(source, verdict.edits) == source.replace("return 2", "return 3")
    assert len(verdict.edits) == 1


async def test_nothing_but_an_empty_last_line_left_off_is_no_change() -> None:
    region = _snippet("x = 1\n", 1, 2)
    verdict = await check_rewrite(
        RewriteReply("Because.", "x = 1"), region, {"a.py": "x = 1\n"}, ParsedHere().outline,
        Deletion.LITTLE,
    )  # fmt: skip
    assert _refused(verdict) == "no-op"


async def test_an_empty_file_gets_whole_lines() -> None:
    region = _snippet("", 1, 1)
    verdict = await check_rewrite(
        RewriteReply("Because.", "x = 1\ny = 2"), region, {"a.py": ""}, ParsedHere().outline,
        Deletion.LITTLE,
    )  # fmt: skip
    assert apply_edits("", verdict.edits) == "x = 1\ny = 2\n"


PART = st.sampled_from(
    [".git", ".GIT", "git~1", ".git.", ".git ", ".git::$INDEX_ALLOCATION", ".g\u200cit", "bare.git",
     ".hg", ".JJ", ".svn ", "VSCODE~1", "aux", ".."]
)  # fmt: skip


@given(st.lists(st.sampled_from(["a", "b.c"]), max_size=2), PART, st.sampled_from(["x", "config"]))
def test_hostile_paths_are_refused(before: list[str], part: str, name: str) -> None:
    assert path_refusal("/".join([*before, part, name])) is not None


def test_other_places_that_are_not_the_workspaces_are_refused() -> None:
    for path in ("/etc/passwd", "C:\\x.py", "c:/x.py", "\\\\host\\x", "a/../b", "", ".env", ".ENV",
                 "Server.PEM", ".git-credentials", "prod.tfvars",
                 ".env.local", ".npmrc", "id_rsa", "a/server.pem", "a/\n"):  # fmt: skip
        assert path_refusal(path) is not None, path
    for path in ("a.py", "src/a.b.py", "github/x.py", "agit/x", ".gitignore", "docs/hooks/x.md",
                 "src/config.ts", "src/props.ts", "src/rc.js", "a/build/x.py", "src/project.py",
                 "actions.yml", ".hgignore", "svn/x.py", "src/run/x.xml",
                 "src/app.config.json", "src/hooks/update.ts", ".env.example"):  # fmt: skip
        assert path_refusal(path) is None, path
        assert confirmation_of(path) == "", path


@pytest.mark.parametrize(
    ("reason", "paths"),
    [
        (
            "an editor obeys it",
            ".vscode/settings.json a/.VSCODE./tasks.json x.code-workspace .run/App.run.xml"
            " .idea/runConfigurations/a.xml .vimrc .nvim.lua .dir-locals.el x.sublime-project",
        ),
        (
            "a build service runs it",
            ".github/workflows/ci.yml Jenkinsfile .gitlab-ci.yml action.yml sub/action.yaml"
            " azure-pipelines-1.yml .travis.yml",
        ),
        (
            "git runs or obeys it",
            ".husky/pre-push hooks/pre-commit .pre-commit-config.yaml .git-hooks/any lefthook.toml"
            " .lefthook-local.yml .gitattributes .gitmodules",
        ),
        (
            "building or installing the project runs it",
            "sub/Makefile Makefile.am x.mk CMakeLists.txt CMakePresets.json SConstruct meson.build"
            " BUILD WORKSPACE.bazel .bazelrc build.xml pom.xml build.gradle.kts gradlew.bat"
            " gradle/wrapper/gradle-wrapper.properties Cargo.toml build.rs rust-toolchain.toml"
            " mix.exs Rakefile x.gemspec fastlane/Fastfile composer.json package.json binding.gyp"
            " .pnp.cjs bunfig.toml deno.json deno.jsonc vite.config.ts webpack.config.babel.js"
            " eslint.config.mjs .yarnrc.yml setup.py tox.ini requirements-dev.txt a.csproj a.fsproj"
            " a.vcxproj a.proj a.vcxproj.user Directory.Build.props My.props x.targets",
        ),
        ("it runs by itself when tests or Python start", "tests/conftest.py x.pth .mocharc.js"),
        (
            "a container is made by it",
            "Dockerfile.dev api.Dockerfile compose.yaml docker-compose.dev.yml .devcontainer.json"
            " .devcontainer/a.sh Tiltfile flake.nix",
        ),
        (
            "a shell runs it",
            ".envrc .bashrc .bash_aliases .zshenv .profile .mise.toml mise.local.toml"
            " .mise/config.toml",
        ),
        (
            "a tool of the project runs or obeys it",
            ".eslintrc.js .eslintrc.cjs .eslintrc.json .prettierrc.js .babelrc.js .stylelintrc.js"
            " .lintstagedrc.js .lintstagedrc .irbrc .pylintrc",
        ),
        (
            "coding assistants obey it",
            "AGENTS.md .cursorrules .claude/settings.json .roo/mcp.json .mcp.json .gemini/a.md",
        ),
        ("it names what is installed", "poetry.lock bun.lockb package-lock.json go.sum"),
    ],
)
def test_what_some_program_runs_by_itself_must_be_confirmed_with_the_reason(
    reason: str, paths: str
) -> None:
    wanted = dict.fromkeys(paths.split(), reason)
    assert {path: confirmation_of(path) for path in wanted} == wanted
    assert not [path for path in wanted if path_refusal(path)]


async def test_chat_marks_and_other_names_of_thinking_are_refused() -> None:
    line = "    head = items[0]"
    for mark in ("<thinking>", "</thought>", "<|im_end|>", "<\uff5cUser\uff5c>"):
        assert _refused(await _check(line, f"{line}  # {mark}")) == "tags", mark
    for mark in ("@@9789b9c7 end of lines", "@@00000000 code"):
        assert _refused(await _check(line, f"{line}  # {mark}")) == "marks", mark


async def test_what_the_language_does_not_allow_is_refused_like_broken_syntax() -> None:
    verdict = await _check("    head = items[0]", "    head = await items[0]")
    assert _refused(verdict) == "syntax"
    assert "'await' outside async function" in verdict.refusals[0].sentence


async def _remarks(new: str, others: dict[str, str] | None = None) -> tuple[str, ...]:
    old = "def total(a, b=1):\n    return a + b\n\n\ndef pay():\n    return total(1, 2)\n"
    edit = Edit("a.py", Span(0, len(old)), old, new, content_hash(old), "Because.")
    return await uses_remarks([edit], {"a.py": old}, ParsedHere(others))


async def test_calls_that_no_longer_match_are_named() -> None:
    others = {"b.py": "total(1)\ntotal(1, 2)\n", "c.py": "total(a=1)\n"}
    new = "def total(a):\n    return a\n\n\ndef pay():\n    return total(1)\n"
    assert await _remarks(new, others) == ("1 call of total no longer matches: b.py:2",)
    new = "def total(a, b, c):\n    return a\n\n\ndef pay():\n    return total(1, 2)\n"
    (remark,) = await _remarks(new, others)
    assert remark == "4 calls of total no longer match: a.py:6, b.py:1, b.py:2, c.py:1"
    new = "def pay():\n    return 3\n"
    (remark,) = await _remarks(new, {"b.py": "total(1)\n" * 6})
    assert remark.startswith("total is gone, 6 calls of it stay: b.py:1, ")
    assert remark.endswith(" and 2 more")


async def test_a_constructor_is_called_by_its_types_name() -> None:
    old = "class Shop:\n    def __init__(self, name):\n        self.name = name\n"
    new = old.replace("self, name", "self, name, place")
    edit = Edit("a.py", Span(0, len(old)), old, new, content_hash(old), "Because.")
    code = ParsedHere({"b.py": "Shop('x')\nShop('x', 'y')\n"})
    remarks = await uses_remarks([edit], {"a.py": old}, code)
    assert remarks == ("1 call of Shop no longer matches: b.py:1",)


async def test_what_calls_cannot_notice_is_no_remark() -> None:
    others = {"b.py": "total(1)\n"}
    renamed = "def total(x, b=1):\n    return x + b\n\n\ndef pay():\n    return total(1, 2)\n"
    assert await _remarks(renamed, others) == ()
    more = "def total(a, b=1, *c):\n    return a + b\n\n\ndef pay():\n    return total(1, 2)\n"
    assert await _remarks(more, others) == ()


async def test_a_new_file_must_be_new_plain_and_whole() -> None:
    async def check(path: str, text: str = "def test_a():\n    assert True\n") -> str:
        new = NewFile(path, text, "Because.")
        refusal = await new_file_refusal(new, ["tests/test_b.py"], ParsedHere())
        return refusal.check if refusal else ""

    assert await check("tests/test_a.py") == ""
    assert await check("tests/TEST_B.py") == "exists"
    assert await check("../test_a.py") == "path"
    assert await check(".git/test_a.py") == "path"
    assert await check("tests/conftest.py") == "path"
    assert await check("tests/test_a.py", "def test_a(:\n") == "syntax"
    assert await check("tests/test_a.py", "x = 1  # \u202e\n") == "invisible"
    assert await check("tests/test_a.py", "x = 1\n" * 9_000) == "size"


@pytest.mark.parametrize(
    ("replace", "check"),
    [
        ("    # The rest of the arguments\n    head = items[1]", ""),
        ("    # ... and so on\n    head = items[1]", "left out"),
        ("    -- ... the columns\n    head = items[1]", "left out"),
        ("    head = items[0]" + " " * 60 + "; tail = 1", "far away"),
        ("    head = \U0001d41e\U0001d42f\U0001d41a\U0001d425(items)", "letters"),
        ("    größe = items[0]", ""),
    ],
)
async def test_what_hides_code_is_refused_and_honest_comments_pass(
    replace: str, check: str
) -> None:
    verdict = await _check("    head = items[0]", replace)
    assert [r.check for r in verdict.refusals] == ([check] if check else [])


@pytest.mark.parametrize(
    "comment", ["# rest of function unchanged", "# (remaining lines unchanged)"]
)
async def test_code_that_a_comment_stands_for_is_left_out(comment: str) -> None:
    body = "\n".join(Text(SOURCE).lines(10, 13))
    verdict = await _check(body, f"    head = items[0]\n    {comment}", deletion=Deletion.AS_TOLD)
    assert _refused(verdict) == "left out"


@pytest.mark.skipif(sys.platform == "win32", reason="links need rights there")
def test_where_links_lead_and_what_a_workspace_is_in_count(tmp_path: Path) -> None:
    root = tmp_path / "shop"
    for folder in (".github/workflows", ".git/hooks", ".vscode"):
        (root / folder).mkdir(parents=True)
    (root / "docs").symlink_to(root / ".github")
    (root / "notes.txt").symlink_to(root / "Makefile")
    (root / "inside").symlink_to(root / ".git")
    (root / "away").symlink_to(tmp_path)
    assert place_confirmation(root, "docs/workflows/ci.yml") == "a build service runs it"
    assert place_confirmation(root, "notes.txt") == "building or installing the project runs it"
    assert place_confirmation(root / ".vscode", "settings.json") == "an editor obeys it"
    assert place_confirmation(root, "shop.py") == place_refusal(root, "shop.py") == ""
    assert "not a place" in place_refusal(root, "inside/config")
    assert "not a place" in place_refusal(root / ".git", "config")
    assert "not a place" in place_refusal(root / ".git" / "hooks", "pre-commit")
    assert place_refusal(root, "away/x.py") == "away/x.py leads out of the workspace."
