"""Where a test of a file goes, by what the project has."""

from __future__ import annotations

import pytest

from context.test_places import PlaceOfTest, build_files, place_of_test

PY = ["shop/prices.py", "shop/rules.py", "tests/shop/test_rules.py", "tests/test_all.py"]


@pytest.mark.parametrize(
    ("path", "known", "expect"),
    [
        ("shop/rules.py", PY, PlaceOfTest("tests/shop/test_rules.py", exists=True,
                                        example="tests/shop/test_rules.py")),
        ("shop/prices.py", PY, PlaceOfTest("tests/shop/test_prices.py", exists=False,
                                         example="tests/shop/test_rules.py")),
        ("shop/api/deep/cart.py", ["shop/api/deep/cart.py", "tests/api/test_x.py", "a/my_test.py"],
         PlaceOfTest("tests/api/test_cart.py", exists=False, example="tests/api/test_x.py")),
        ("a/views.py", ["a/views.py", "b/views.py", "b/tests/test_views.py", "tests/test_x.py"],
         PlaceOfTest("tests/test_views.py", exists=False, example="tests/test_x.py")),
        ("a/views.py", ["a/views.py", "b/views.py", "b/tests/test_views.py"],
         PlaceOfTest("a/tests/test_views.py", exists=False, example="b/tests/test_views.py")),
        ("a/views.py", ["a/views.py", "tests/test_views.py", "tests/b/test_views.py", "b/x.py"],
         PlaceOfTest("tests/test_views.py", exists=True, example="tests/test_views.py")),
        ("core/frame.py", ["core/frame.py", "tests/frame/test_frame.py"],
         PlaceOfTest("tests/frame/test_frame.py", exists=True,
                     example="tests/frame/test_frame.py")),
        ("a/src/index.ts",
         ["a/src/index.ts", "b/x.ts", "b/src/index.test.ts", "b/test/index.test.ts"],
         PlaceOfTest("a/test/index.test.ts", exists=False, example="b/src/index.test.ts")),
        ("src/a/x.js", ["src/a/x.js", "src/b/y.js", "src/b/__tests__/y.test.js"],
         PlaceOfTest("src/a/__tests__/x.test.js", exists=False,
                     example="src/b/__tests__/y.test.js")),
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
        ("src/pad.ts", ["src/pad.ts", "e2e/login.test.ts"],
         PlaceOfTest("src/pad.test.ts", exists=False, example="e2e/login.test.ts")),
        ("src/pad.ts", ["src/pad.ts"], PlaceOfTest("src/pad.test.ts", exists=False, example=None)),
        ("a/b.go", ["a/b.go"], PlaceOfTest("a/b_test.go", exists=False, example=None)),
        ("a/b.go", ["a/b.go", "a/b_test.go"],
         PlaceOfTest("a/b_test.go", exists=True, example="a/b_test.go")),
        ("a/b.go", ["a/b.go", "c/b.go", "c/b_test.go", "test/e2e/x_test.go"],
         PlaceOfTest("a/b_test.go", exists=False, example="c/b_test.go")),
        ("src/main/java/a/b/Pad.java", ["src/main/java/a/b/Pad.java"],
         PlaceOfTest("src/test/java/a/b/PadTest.java", exists=False, example=None)),
        ("app/src/main/java/a/Pad.java", ["app/src/test/java/a/TrimTests.java"],
         PlaceOfTest("app/src/test/java/a/PadTests.java", exists=False,
                     example="app/src/test/java/a/TrimTests.java")),
        ("src/main/java/a/Pad.java", ["src/test/java/a/PadTest.java", "src/test/java/PadTest.java"],
         PlaceOfTest("src/test/java/a/PadTest.java", exists=True,
                     example="src/test/java/a/PadTest.java")),
        ("src/main/java/a/Pad.java", ["src/test/java/b/PadTest.java"],
         PlaceOfTest("src/test/java/a/PadTest.java", exists=False,
                     example="src/test/java/b/PadTest.java")),
        ("src/a/Pad.java", ["test/a/PadTest.java"],
         PlaceOfTest("test/a/PadTest.java", exists=True, example="test/a/PadTest.java")),
        ("src/a/Pad.java", ["test/b/PadTest.java"], None),
        ("Pad.java", ["Pad.java"], None),
        ("src/pad.rs", ["src/pad.rs", "tests/all.rs"],
         PlaceOfTest("src/pad.rs", exists=True, example="src/pad.rs")),
        ("tests/all.rs", ["tests/all.rs"], None),
        ("a/b.sql", ["a/b.sql"], None),
    ],
)  # fmt: skip
def test_the_place_follows_the_project(
    path: str, known: list[str], expect: PlaceOfTest | None
) -> None:
    assert place_of_test(path, known) == expect


def test_the_build_files_above_a_java_file_are_the_nearest_first() -> None:
    known = ["a/pom.xml", "a/src/main/java/A.java", "b/pom.xml", "build.gradle.kts"]
    assert build_files("a/src/main/java/A.java", known) == ["a/pom.xml", "build.gradle.kts"]
    assert build_files("a/src/main/python/a.py", known) == []
