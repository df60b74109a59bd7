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
