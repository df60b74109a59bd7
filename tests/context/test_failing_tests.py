"""Failing tests as runners print them."""

from __future__ import annotations

import pytest

from context.failing_tests import FailingTest, read_failing_tests


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (
            "FAILED tests/test_shop.py::TestPay::test_total[x-1] - ValueError: no",
            FailingTest("tests/test_shop.py", "test_total", None),
        ),
        (r"ERROR tests\test_shop.py - ImportError", FailingTest("tests/test_shop.py", None, None)),
        (
            "FAIL: test_total (tests.test_shop.TestPay.test_total)",
            FailingTest("tests/test_shop.py", "test_total", None),
        ),
        ("--- FAIL: TestTotal/empty (0.00s)", FailingTest(None, "TestTotal", None)),
        ("test shop::tests::total ... FAILED", FailingTest(None, "total", None)),
        (
            "[ERROR]   ShopTest.total:42 expected:<1> but was:<2>",
            FailingTest("ShopTest.java", "total", 42),
        ),
        ("1) total(com.acme.ShopTest)", FailingTest("com/acme/ShopTest.java", "total", None)),
        (
            "rspec ./spec/shop_spec.rb:12 # Shop totals",
            FailingTest("spec/shop_spec.rb", None, 12),
        ),
        (
            r" FAIL  src\shop.test.ts > totals > are sums",
            FailingTest("src/shop.test.ts", "are sums", None),
        ),
        (" FAIL  src/shop.test.ts", FailingTest("src/shop.test.ts", None, None)),
    ],
)
def test_each_runner(line: str, expected: FailingTest) -> None:
    assert read_failing_tests([line, line]) == (expected,)


@pytest.mark.parametrize(
    "line", ["PASSED tests/test_shop.py::test_total", "FAILED to connect", "ok", "x" * 5_000]
)
def test_other_lines_name_none(line: str) -> None:
    assert read_failing_tests([line]) == ()


def test_jest_names_the_file_first_and_then_each_test() -> None:
    log = """ FAIL  src/sum.test.js
  ● Console
  ● sums › adds two numbers
    expect(received).toBe(expected)
  ● is 1.5 times faster
 FAIL  src/sum.test.js
 FAIL  src/broken.test.ts
  ● Test suite failed to run"""
    assert read_failing_tests(log.split("\n")) == (
        FailingTest("src/sum.test.js", "adds two numbers", None),
        FailingTest("src/sum.test.js", "is 1.5 times faster", None),
        FailingTest("src/broken.test.ts", None, None),
    )
    assert read_failing_tests(["● a bullet of a list"]) == ()
