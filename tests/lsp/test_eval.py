"""`postil eval` and `postil context` as a person runs them, on a small repository."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from tests.repositories import commit, git, new_repository

_REPOSITORY = Path(__file__).parents[2]


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    folder = new_repository(tmp_path / "repository")
    code = {
        "shop/tax.py": "def add_tax(price):\n    return price * 1.2\n",
        "shop/mail.py": "def send_mail(address):\n    return address\n",
        "shop/stock.py": "def count_boxes(shelf):\n    return len(shelf)\n",
    }
    (folder / "out").symlink_to("/etc")
    commit(folder, "Start", code)
    tax = "def add_tax(price):\n    return round(price * 1.2)\n"
    commit(folder, "Fix wrong tax: the price is not rounded (#3)", {"shop/tax.py": tax})
    mail = "def send_mail(address):\n    return address.strip()\n"
    commit(folder, "Fix crash when the mail address has spaces", {"shop/mail.py": mail})
    return folder


def _postil(tmp_path: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "lsp", *arguments],
        capture_output=True,
        text=True,
        check=False,
        cwd=_REPOSITORY,
        env={**os.environ, "POSTIL_CACHE_DIR": str(tmp_path / "cache"), "POSTIL_MODEL": "none"},
    )


def _eval(tmp_path: Path, repository: Path, *more: str) -> dict[str, Any]:
    done = _postil(tmp_path, "eval", "-w", str(repository), "--json", *more)
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_past_fixes_are_hidden_and_found(tmp_path: Path, repository: Path) -> None:
    found = _eval(tmp_path, repository)
    assert found["cases"] == 2
    assert found["settings"]["as shipped"]["Acc@1"][0] == 1.0
    assert found["settings"]["as shipped"]["fn Acc@5"][0] == 1.0
    tree = next((tmp_path / "cache" / "eval").glob("*/tree"))
    assert not (tree / "out").exists()
    assert not (tree / "out").is_symlink()
    assert (tree / "shop" / "tax.py").is_file()


def test_what_came_after_the_fix_is_not_seen(tmp_path: Path, repository: Path) -> None:
    """A later commit speaks like both reports and changes another file, many times."""
    before = _eval(tmp_path / "a", repository)
    for n in range(4):
        stock = {"shop/stock.py": f"def count_boxes(shelf):\n    return {n}\n"}
        commit(repository, "Tax and mail: price rounded, address spaces, crash", stock)
    after = _eval(tmp_path / "b", repository, "--limit", "10")
    later = [c for c in _cases(tmp_path / "b") if c not in _cases(tmp_path / "a")]
    both = _cases(tmp_path / "a")
    assert len(later) == 4  # they are cases themselves
    assert {c: _cases(tmp_path / "b")[c] for c in both} == both
    assert before["cases"] + 4 == after["cases"]


def _cases(tmp_path: Path) -> dict[str, Any]:
    file = next((tmp_path / "cache" / "eval").glob("*/*.jsonl"))
    return dict(json.loads(line) for line in file.read_text().split("\n") if line)


def test_a_second_run_goes_on_where_the_first_was_stopped(tmp_path: Path, repository: Path) -> None:
    _eval(tmp_path, repository, "--limit", "1")
    file = next((tmp_path / "cache" / "eval").glob("*/*.jsonl"))
    marked = json.loads(file.read_text())
    marked[1]["as shipped"]["Acc@1"] = 0.0  # shows whether it is asked again
    file.write_text(json.dumps(marked) + '\n["cut')
    assert _eval(tmp_path, repository)["settings"]["as shipped"]["Acc@1"][0] == 0.5


def test_signals_can_be_switched_off_and_the_figures_drawn(
    tmp_path: Path, repository: Path
) -> None:
    plot = tmp_path / "figures.svg"
    found = _eval(tmp_path, repository, "--ablate", "--plot", str(plot))
    assert "without lexical" in found["settings"]
    texts = [node.text for node in ElementTree.parse(plot).iter() if node.tag.endswith("text")]
    assert "fn MRR" in texts
    table = _postil(tmp_path, "eval", "-w", str(repository), "--ablate").stdout
    assert "2 past fixes" in table
    assert "without history" in table


@pytest.mark.parametrize(
    ("arguments", "code", "sentence"),
    [
        (["--plot", "figures.bmp"], 2, "must end in .svg"),
        (["-w", "{plain}", "--plot", "no-such/x.svg"], 2, "no-such/x.svg cannot be written"),
        (["-w", "{empty}/no-such"], 2, "There is no folder"),
        (["-w", "{empty}"], 1, "no git history"),
        (["-w", "{plain}"], 1, "No commit was found"),
    ],
)
def test_what_cannot_be_measured_gets_one_sentence(
    tmp_path: Path, arguments: list[str], code: int, sentence: str
) -> None:
    plain = tmp_path / "plain"
    (tmp_path / "empty").mkdir()
    plain.mkdir()
    git(plain, "init", "-q")
    commit(plain, "Start", {"a.py": "x = 1\n"})
    folders = {"empty": tmp_path / "empty", "plain": plain}
    done = _postil(tmp_path, "eval", *[a.format(**folders) for a in arguments])
    assert done.returncode == code
    assert sentence in done.stderr
    assert len(done.stderr.strip().split("\n")) == 1


def test_the_context_of_a_report_is_shown_with_its_receipt(
    tmp_path: Path, repository: Path
) -> None:
    asked = ["context", "the tax of a price is wrong", "-w", str(repository), "--tokens", "60"]
    shown = _postil(tmp_path, *asked)
    assert shown.returncode == 0, shown.stderr
    assert "return round(price * 1.2)" in shown.stdout
    assert "tokens. Shown:" in shown.stdout
    receipt = json.loads(_postil(tmp_path, *asked, "--json").stdout)
    assert receipt["used_tokens"] <= receipt["budget_tokens"] == 60
    assert receipt["exact"] is False
