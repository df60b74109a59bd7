"""postil review and postil fix, as a user types them: real processes, a scripted model."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from lsp.commands.places import relative_path
from lsp.commands.sarif import _message
from models.tasks.edit import BY_READING
from tests.lsp.client import ROOT
from tests.lsp.conftest import FIX_REPLIES, RULES, SHOP
from tests.lsp.test_doctor import postil
from tests.models.weights import models_folder
from tests.repositories import commit, git, new_repository

CAUSE = "The list may be empty: see [here](http://evil.example) \x1b[31m and {0}."
LARGEST = (
    "def largest(values):\n    best = values[0]\n    for value in values:\n"
    "        if value > best:\n            best = value\n    return best\n"
)
THOUGHT = "In shop.py, `total` divides; `mean_price` does not.\n</think>"


def bug(line: int) -> str:
    place = {"bug": True, "file": "F1", "first_line": line, "last_line": line, "cause": CAUSE}
    return json.dumps(place)


def scripted(tmp_path: Path, *replies: str) -> dict[str, str]:
    """An environment of its own, with a model that says this."""
    file = tmp_path / "replies.json"
    file.write_text(json.dumps(replies or (THOUGHT, bug(11))))
    return {
        "POSTIL_MODEL": f"scripted:{file}",
        "POSTIL_CACHE_DIR": str(tmp_path / "cache"),
        "POSTIL_DATA_DIR": str(tmp_path / "data"),
    }


def make_changed_shop(tmp_path: Path) -> Path:
    """A branch that changed `pay` and committed it, and one more change that is not committed."""
    root = new_repository(tmp_path / "my shop")
    commit(root, "first", {"shop.py": SHOP, "rules.py": RULES})
    git(root, "checkout", "-q", "-b", "topic")
    commit(root, "pay more", {"shop.py": SHOP.replace("- discount(code)", "+ discount(code)")})
    (root / "rules.py").write_text(RULES.replace("return 0", "return 1"))
    return root


def test_what_is_not_committed_is_read(tmp_path: Path) -> None:
    root = make_changed_shop(tmp_path)
    done = postil("review", "-w", str(root), **scripted(tmp_path, THOUGHT, bug(3)))
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("rules.py:3: The list may be empty")
    assert "\x1b" not in done.stdout, "a terminal is not the model's to write to"
    assert "references of its reasoning were shown to it" in done.stdout
    assert "--fail" not in done.stdout


def test_a_record_that_cannot_be_written_is_said_once(tmp_path: Path) -> None:
    root = make_changed_shop(tmp_path)
    environment = {**scripted(tmp_path, THOUGHT, bug(3)), "POSTIL_DATA_DIR": str(root / "shop.py")}
    done = postil("review", "-w", str(root), **environment)
    assert done.stdout.startswith("rules.py:3: ")
    assert done.stderr.count("cannot be written") == 1, done.stderr


@pytest.mark.parametrize("since", ["main", "HEAD~1", "first-tag", "SHORT~0"])
def test_what_a_branch_changed_is_read(tmp_path: Path, since: str) -> None:
    root = make_changed_shop(tmp_path)
    git(root, "tag", "-a", "first-tag", "-m", "it", "main")
    since = since.replace("SHORT", git(root, "rev-parse", "--short", "main"))
    environment = scripted(tmp_path, THOUGHT, bug(3), THOUGHT, bug(11))
    done = postil("review", "-w", str(root), "--since", since, "--json", "--fail", **environment)
    assert done.returncode == 1, done.stderr
    told = json.loads(done.stdout)
    assert (told["parts"], told["read"], told["left"]) == (2, 2, "")
    assert [f["symbol"] for f in told["findings"]] == ["discount", "pay"]
    assert told["findings"][0]["trace"].startswith("In shop.py, `total` divides")
    assert told["model"]["backend"] == "scripted"


def test_only_what_the_branch_did_counts_when_main_has_moved_on(tmp_path: Path) -> None:
    root = make_changed_shop(tmp_path)
    git(root, "stash", "-q")
    git(root, "checkout", "-q", "main")
    commit(root, "elsewhere", {"other.py": "def other():\n    return 3\n"})
    git(root, "checkout", "-q", "topic")
    environment = scripted(tmp_path)
    done = postil("review", "-w", str(root), "--since", "main", "--json", **environment)
    (found,) = json.loads(done.stdout)["findings"]
    assert found["symbol"] == "pay"


def test_of_a_branch_only_the_named_files_are_read(tmp_path: Path) -> None:
    root = make_changed_shop(tmp_path)
    arguments = ("rules.py", "gone.py", "-w", str(root), "--since", "main", "--json")
    done = postil("review", *arguments, **scripted(tmp_path, THOUGHT, bug(3)))
    told = json.loads(done.stdout)
    assert [f["symbol"] for f in told["findings"]] == ["discount"]
    assert told["parts"] == 1
    assert "gone.py is not here, so nothing of it is read" in done.stderr


def test_whole_files_are_read_and_what_is_left_is_counted(tmp_path: Path) -> None:
    root = make_changed_shop(tmp_path)
    environment = scripted(tmp_path, '{"bug": false, "reason": "It is right."}')
    done = postil("review", "shop.py", "./shop.py", "-w", str(root), "--most", "1", **environment)
    assert done.returncode == 0
    assert done.stdout.strip() == (
        "The 1 most suspicious of 2 parts were read, 1 not. Read more parts with --most."
    )


def test_sarif_has_the_place_the_reasoning_and_nothing_to_click(tmp_path: Path) -> None:
    root = make_changed_shop(tmp_path)
    git(root, "stash", "-q")
    arguments = ("review", "-w", str(root), "--since", "main", "--sarif")
    log = json.loads(postil(*arguments, **scripted(tmp_path)).stdout)
    (run,) = log["runs"]
    (result,) = run["results"]
    assert run["invocations"][0]["toolExecutionNotifications"] == []
    (place,) = result["locations"]
    assert place["physicalLocation"]["artifactLocation"]["uri"] == "shop.py"
    assert place["physicalLocation"]["region"] == {"startLine": 11, "endLine": 11}
    assert place["logicalLocations"] == [{"fullyQualifiedName": "pay"}]
    assert "\\[here\\](http" in result["message"]["text"], "escaped: it is no link"
    assert "\x1b" not in json.dumps(log, ensure_ascii=False)
    assert result["properties"]["postil"]["cited"]["not_shown"] == ["mean_price"]
    assert run["originalUriBaseIds"]["SRCROOT"]["uri"].endswith("/my%20shop/")
    # The same finding keeps its name when the code above it moves.
    (root / "shop.py").write_text("\n\n" + (root / "shop.py").read_text())
    moved = json.loads(postil(*arguments, **scripted(tmp_path, THOUGHT, bug(13))).stdout)
    names = [log["runs"][0]["results"][0]["partialFingerprints"] for log in (log, moved)]
    assert names[0] == names[1]


LINKS = [
    "[para\\[0\\]](x:y)",
    "[a\\]b](x:y)",
    "[he\nre](x:y)",
    "\\[here](x:y)",
    "[x](0)",
    "a[0]](x:y)",
]


@pytest.mark.parametrize("words", LINKS)
def test_no_spelling_of_a_link_is_one_in_sarif(words: str) -> None:
    """By the standard's rule: a backslash keeps the bracket or backslash after it from counting."""
    told = _message(words)
    assert "[" not in re.sub(r"\\.", "", told, flags=re.DOTALL)
    assert re.sub(r"\\(.)", r"\1", told, flags=re.DOTALL) == words


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["--since", "no-such"], 2, "There is no commit no-such here"),
        (["--since", "--upload-pack=evil"], 2, "There is no commit --upload-pack=evil here"),
        (["--since", "../../HEAD"], 2, "There is no commit ../../HEAD here"),
        (["--since", "", "--fail"], 2, "--since is empty; name a branch, a tag or a commit"),
        (["no.py"], 2, "There is no file no.py in "),
        (["."], 2, ". is a folder; name files, or --since with it."),
        (["/etc/passwd"], 2, "is not in"),
        (["--json", "--sarif"], 2, "choose one of --json and --sarif"),
    ],
)
def test_bad_use_is_one_sentence(
    tmp_path: Path, arguments: list[str], code: int, said: str
) -> None:
    root = make_changed_shop(tmp_path)
    done = postil("review", "-w", str(root), *arguments, **scripted(tmp_path))
    assert (done.returncode, done.stdout) == (code, "")
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_without_a_model_nothing_is_reviewed(tmp_path: Path) -> None:
    root = make_changed_shop(tmp_path)
    environment = {**scripted(tmp_path), "POSTIL_MODEL": "none"}
    done = postil("review", "-w", str(root), **environment)
    assert (done.returncode, done.stdout) == (3, "")
    assert done.stderr.startswith("postil: ")


def test_a_fix_is_a_diff_that_git_applies(tmp_path: Path) -> None:
    root = make_changed_shop(tmp_path)
    environment = scripted(tmp_path, *FIX_REPLIES)
    arguments = ("fix", "shop.py:6:23", "it divides by zero", "-w", str(root))
    done = postil(*arguments, **environment)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("--- a/shop.py\n+++ b/shop.py\n@@")
    assert "if not prices" not in (root / "shop.py").read_text()
    subprocess.run(["git", "-C", str(root), "apply"], input=done.stdout, text=True, check=True)
    assert "    if not prices:\n        return 0\n" in (root / "shop.py").read_text()


def test_a_fix_is_written_with_the_mark_and_the_mode_that_the_file_had(tmp_path: Path) -> None:
    root = make_changed_shop(tmp_path)
    file = root / "shop.py"
    file.write_bytes(b"\xef\xbb\xbf" + file.read_bytes())
    file.chmod(0o750)
    environment = scripted(tmp_path, *FIX_REPLIES)
    done = postil(
        "fix", "shop.py:6", "it divides by zero", "--write", "-w", str(root), **environment
    )
    assert (done.returncode, done.stdout) == (0, "changed shop.py\n"), done.stderr
    assert file.read_bytes().startswith(b"\xef\xbb\xbf")
    assert "if not prices" in file.read_text()
    assert file.stat().st_mode & 0o777 == 0o750
    assert sorted(path.name for path in root.iterdir()) == [".git", "rules.py", "shop.py"]
    record = [
        json.loads(line) for line in (tmp_path / "data/record.jsonl").read_text().splitlines()
    ]
    assert record[-1]["outcome"] == "applied"


@pytest.mark.parametrize("writes", [False, True])
def test_a_fix_keeps_the_encoding_and_the_ends_of_lines_of_a_file(
    tmp_path: Path,
    writes: bool,  # noqa: FBT001 - a parameter of the test
) -> None:
    root = new_repository(tmp_path / "shop")
    file = root / "my größe.py"
    commit(root, "first", {file.name: "", "rules.py": RULES})
    latin = SHOP.replace("😀", "größe").replace("\n", "\r\n").encode("latin-1")
    file.write_bytes(latin)
    environment = scripted(tmp_path, *(reply.replace("😀", "größe") for reply in FIX_REPLIES))
    arguments = ["fix", f"{file.name}:6", "wrong", "-w", str(root), *["--write"] * writes]
    command = [sys.executable, "-P", "-m", "lsp", *arguments]
    variables = {**os.environ, "PYTHONPATH": str(ROOT), **environment, "PYTHONIOENCODING": "cp1252"}
    done = subprocess.run(command, env=variables, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
    if not writes:
        assert done.stdout.splitlines()[0] == "--- a/my größe.py\t".encode()
        assert file.read_bytes() == latin
        patch = ["patch", "-p1", "--binary", "-d", str(root)]
        for command in (["git", "-C", str(root), "apply", "--check"], patch):
            applied = subprocess.run(command, input=done.stdout, capture_output=True, check=False)
            assert applied.returncode == 0, applied.stderr
    fixed = SHOP.replace("    emoji", "    if not prices:\n        return 0\n    emoji")
    expected = fixed.replace("😀", "größe").replace("\n", "\r\n").encode("latin-1")
    assert file.read_bytes() == expected


def test_from_a_folder_of_the_workspace_its_own_file_is_meant(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = tmp_path / "shop"
    for folder in (root, root / "src", tmp_path / "elsewhere"):
        folder.mkdir()
        (folder / "cart.py").touch()
    (root / "only.py").touch()
    monkeypatch.chdir(root / "src")
    assert relative_path(root, "cart.py") == "src/cart.py"
    assert relative_path(root, "../cart.py") == "cart.py"
    assert relative_path(root, "only.py") == "only.py"
    assert relative_path(root, "src/cart.py") == "src/cart.py"
    monkeypatch.chdir(tmp_path / "elsewhere")
    assert relative_path(root, "cart.py") == "cart.py"


def test_a_fix_that_the_gate_refuses_changes_nothing(tmp_path: Path) -> None:
    root = make_changed_shop(tmp_path)
    before = (root / "shop.py").read_bytes()
    broken = ["x\n</think>", "    return (\n```\nREASON: r\n"] * 2
    environment = scripted(tmp_path, *broken)
    done = postil("fix", "shop.py:6", "wrong", "--write", "-w", str(root), **environment)
    assert (done.returncode, done.stdout) == (1, "")
    assert "postil: refused (syntax): " in done.stderr
    assert (root / "shop.py").read_bytes() == before


@pytest.mark.parametrize(
    ("place", "message", "said"),
    [
        ("shop.py", "wrong", "names no lines; write path:12 or path:12-20"),
        ("shop.py:12", "wrong", "shop.py has 11 lines"),
        ("no.py:1", "wrong", "There is no file no.py in "),
        ("../x.py:1", "wrong", "is not in"),
        ("shop.py:6", " ", "say what is wrong there"),
    ],
)
def test_a_place_that_is_none_is_one_sentence(
    tmp_path: Path, place: str, message: str, said: str
) -> None:
    root = make_changed_shop(tmp_path)
    done = postil("fix", place, message, "-w", str(root), **scripted(tmp_path))
    assert (done.returncode, done.stdout) == (2, "")
    assert said in done.stderr


def test_what_runs_by_itself_is_not_written_without_a_yes(tmp_path: Path) -> None:
    root = new_repository(tmp_path / "shop")
    commit(root, "first", {"conftest.py": SHOP, "rules.py": RULES})
    environment = scripted(tmp_path, *FIX_REPLIES)
    done = postil("fix", "conftest.py:6", "wrong", "--write", "-w", str(root), **environment)
    assert done.returncode == 1
    assert "needs a yes" in done.stderr
    assert done.stdout.startswith("--- a/conftest.py\n"), "what took minutes is not lost"
    assert (root / "conftest.py").read_bytes() == SHOP.encode()


def test_shells_complete_subcommands() -> None:
    command = Path(sys.executable).with_name("postil")
    words = {"_POSTIL_COMPLETE": "complete_bash", "COMP_WORDS": "postil re", "COMP_CWORD": "1"}
    environment = {**os.environ, **words}
    done = subprocess.run([command], env=environment, capture_output=True, text=True, check=False)
    assert done.stdout.split() == ["review"]


@pytest.mark.model
def test_a_finding_of_the_small_model_is_fixed_by_reading(tmp_path: Path) -> None:
    (tmp_path / "p").mkdir()
    file = tmp_path / "p" / "largest.py"
    file.write_text(LARGEST.replace("value > best", "value < best"))
    environment: dict[str, Any] = {
        **scripted(tmp_path),
        "POSTIL_MODEL": "qwen2.5-coder-0.5b",
        "POSTIL_MODELS_DIR": str(models_folder()),
    }
    words = "The comparison keeps the smallest value."
    arguments = ("fix", "largest.py:4", words, "--found", "--write", "-w", str(file.parent))
    done = postil(*arguments, **environment)
    assert done.returncode == 0, done.stderr
    assert BY_READING in done.stderr
    assert file.read_text() == LARGEST


@pytest.mark.model
def test_the_small_model_reviews_a_change(tmp_path: Path) -> None:
    root = make_changed_shop(tmp_path)
    environment: dict[str, Any] = {
        **scripted(tmp_path),
        "POSTIL_MODEL": "qwen2.5-coder-0.5b",
        "POSTIL_MODELS_DIR": str(models_folder()),
        "POSTIL_EFFORT": "quick",
    }
    done = postil("review", "-w", str(root), "--json", **environment)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["model"]["name"] == "qwen2.5-coder-0.5b"
    assert told["read"] == 1
    assert bool(told["findings"]) != bool(told["left"])
