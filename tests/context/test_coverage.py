"""Coverage files of three tools, good and hostile."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from context.coverage import MAX_BYTES, CoverageUnreadable, find_coverage, read_coverage

LCOV = """TN:test_pay
SF:src/shop.js
DA:1,1
DA:2,0
end_of_record
TN:test_total
SF:src/shop.js
DA:1,3
DA:3,1
end_of_record
"""
COBERTURA = """<?xml version="1.0"?>
<!DOCTYPE coverage SYSTEM "http://cobertura.sourceforge.net/xml/coverage-04.dtd">
<coverage><packages><package><classes><class filename="com/acme/Shop.java"><lines>
<line number="3" hits="2"/><line number="4" hits="0"/></lines></class></classes></package>
</packages></coverage>"""
BOMB = """<?xml version="1.0"?><!DOCTYPE c [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;">]>
<coverage>&b;</coverage>"""


def test_lcov_tells_lines_by_test(tmp_path: Path) -> None:
    (tmp_path / "lcov.info").write_text(LCOV)
    found = read_coverage(tmp_path, "lcov.info")
    assert found.lines == {
        "src/shop.js": {1: {"test_pay", "test_total"}, 3: {"test_total"}},
    }
    assert found.tests == {"test_pay", "test_total"}


def test_cobertura_says_what_ran_at_all(tmp_path: Path) -> None:
    (tmp_path / "coverage.xml").write_text(COBERTURA)
    found = read_coverage(tmp_path, "coverage.xml")
    assert found.lines == {"com/acme/Shop.java": {3: {""}}}
    assert found.tests == frozenset()


def test_the_real_coverage_py_tells_lines_by_test(tmp_path: Path) -> None:
    (tmp_path / "shop.py").write_text("def total(p):\n    return sum(p) / len(p)\n")
    (tmp_path / "test_shop.py").write_text("import shop\n\ndef test_one():\n    shop.total([1])\n")
    (tmp_path / ".coveragerc").write_text("[run]\ndynamic_context = test_function\n")
    for command in (["run", "-m", "pytest", "-q", "-p", "no:cacheprovider"],
                    ["json", "-q", "--show-contexts"]):  # fmt: skip
        subprocess.run(
            [sys.executable, "-m", "coverage", *command],
            cwd=tmp_path, check=True, capture_output=True,
        )  # fmt: skip
    found = read_coverage(tmp_path, "coverage.json")
    assert found.lines["shop.py"][2] == {"test_shop.test_one"}


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("coverage.xml", BOMB),
        ("coverage.xml", "<coverage><packages>"),
        ("coverage.xml", "<html/>"),
        ("coverage.json", '{"files": {"a": {"executed_lines": "x"}}}'),
        ("coverage.json", "[" * 100_000),
        ("coverage.json", json.dumps({"meta": {}})),
        ("lcov.info", "SF:a\nDA:x,y\n"),
        ("lcov.info", ""),
    ],
)
def test_what_cannot_be_read_is_named(tmp_path: Path, name: str, content: str) -> None:
    (tmp_path / name).write_text(content)
    with pytest.raises(CoverageUnreadable, match=name):
        read_coverage(tmp_path, name)


def test_links_and_huge_files_are_not_looked_at(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.write_text(LCOV)
    root = tmp_path / "root"
    root.mkdir()
    (root / "lcov.info").symlink_to(outside)
    with (root / "coverage.xml").open("wb") as file:
        os.truncate(file.fileno(), MAX_BYTES + 1)
    assert find_coverage(root) is None
    if hasattr(os, "O_NOFOLLOW"):
        with pytest.raises(CoverageUnreadable):
            read_coverage(root, "lcov.info")
