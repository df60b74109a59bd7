"""Where a test of a file goes, by what the project has."""

from __future__ import annotations

import pytest

from context.test_places import PlaceOfTest, place_of_test

PY = ["shop/prices.py", "shop/rules.py", "tests/shop/test_rules.py", "tests/test_all.py"]


@pytest.mark.parametrize(
    ("path", "known", "expect"),
    [
        ("shop/rules.py", PY, PlaceOfTest("tests/shop/test_rules.py", exists=True,
                                        example="tests/shop/test_rules.py")),
        ("shop/prices.py", PY, PlaceOfTest("tests/shop/test_prices.py", exists=False,
                                         example="tests/shop/test_rules.py")),
        ("prices.py", ["prices.py"],
         PlaceOfTest("tests/test_prices.py", exists=False, example=None)),
        ("src/a/b.py", ["src/a/b.py", "tests/a/test_c.py"],
         PlaceOfTest("tests/a/test_b.py", exists=False, example="tests/a/test_c.py")),
        ("a/b.py", ["a/b.py", "a/c.py", "a/c_test.py"],
         PlaceOfTest("a/b_test.py", exists=False, example="a/c_test.py")),
        ("src/pad.ts", ["src/pad.ts", "src/trim.ts", "src/trim.spec.ts"],
         PlaceOfTest("src/pad.spec.ts", exists=False, example="src/trim.spec.ts")),
        ("src/pad.ts", ["src/pad.ts", "test/trim.test.ts"],
         PlaceOfTest("test/pad.test.ts", exists=False, example="test/trim.test.ts")),
        ("src/pad.ts", ["src/pad.ts"], PlaceOfTest("src/pad.test.ts", exists=False, example=None)),
        ("a/b.go", ["a/b.go"], PlaceOfTest("a/b_test.go", exists=False, example=None)),
        ("a/b.go", ["a/b.go", "a/b_test.go"],
         PlaceOfTest("a/b_test.go", exists=True, example="a/b_test.go")),
        ("a/b.sql", ["a/b.sql"], None),
    ],
)  # fmt: skip
def test_the_place_follows_the_project(
    path: str, known: list[str], expect: PlaceOfTest | None
) -> None:
    assert place_of_test(path, known) == expect
