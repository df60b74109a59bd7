"""What a trace cites, against what was shown."""

from __future__ import annotations

from itertools import pairwise

import pytest

from context.window import ContextWindow, Receipt, Role, ShownPiece, Snippet
from models.citations import Cited, check_citations, marked

CODE = """def mean(values):
    total = sum_of(values)
    return total / len(values)
"""
REPORT = "ZeroDivisionError in stats/report.py, line 40, when `row_count` is 0"


def window() -> ContextWindow:
    pieces = []
    for number, (path, first, symbol) in enumerate(
        [("stats/mean.py", 10, "mean"), ("stats/table.ts", 100, "Table.fillRows")], 1
    ):
        text = CODE if number == 1 else "fillRows(rows) {\n  this.rowTotal = rows.length;\n}"
        last = first + text.count("\n")
        snippet = Snippet(path, first, last, symbol, text, Role.SUSPECT, "a name", "hash")
        pieces.append(ShownPiece(f"F{number}", snippet, 20))
    return ContextWindow(tuple(pieces), Receipt(900, 40, tuple(pieces), ()))


def cited(trace: str) -> dict[str, tuple[bool, str | None, int | None]]:
    found = check_citations(trace, window(), REPORT).found
    for citation in found:
        assert trace[citation.span.start : citation.span.end].strip() == citation.written
    return {c.written: (c.is_shown, c.path, c.line) for c in found}


@pytest.mark.parametrize(
    ("trace", "written", "expected"),
    [
        ("F1 divides", "F1", (True, "stats/mean.py", None)),
        ("line 3 of F7", "F7", (False, None, None)),
        ("it is in `F7`", "F7", (False, None, None)),
        ("L12 divides", "L12", (True, "stats/mean.py", 12)),
        ("L10-L12 divide", "L10", (True, "stats/mean.py", 10)),
        ("in mean.py it", "mean.py", (True, "stats/mean.py", None)),
        ("in stats/other.py it", "stats/other.py", (False, None, None)),
        ("as stats/report.py says", "stats/report.py", (True, None, None)),
        ("line 12 divides", "line 12", (True, "stats/mean.py", 12)),
        ("lines 10-12 divide", "lines 10-12", (True, "stats/mean.py", 10)),
        ("lines 10 to 99", "lines 10 to 99", (False, None, None)),
        ("line 500 divides", "line 500", (False, None, None)),
        ("line 40 of the report", "line 40", (True, None, None)),
        ("F2 is fine. Line 101 sets it", "Line 101", (True, "stats/table.ts", 101)),
        ("F1 is wrong at line 101", "line 101", (False, None, None)),
        ("F2 calls it; line 12 of F1 divides", "line 12", (True, "stats/mean.py", 12)),
        ("F2 calls it; line 12 in `stats/mean.py`", "line 12", (True, "stats/mean.py", 12)),
        ("F2 calls it at line 12 (F1)", "line 12", (True, "stats/mean.py", 12)),
        ("lines 10, 12 and 99 of F1", "12", (True, "stats/mean.py", 12)),
        ("lines 10, 12 and 99 of F1", "99", (False, None, None)),
        ("see mean.py:12", "12", (True, "stats/mean.py", 12)),
        ("see F1:99", "99", (False, None, None)),
        ("at line 12, 100 is divided", "line 12", (True, "stats/mean.py", 12)),
        ("`mean` fails", "mean", (True, "stats/mean.py", 10)),
        ("sum_of is called", "sum_of", (True, "stats/mean.py", 11)),
        ("the rowTotal is", "rowTotal", (True, "stats/table.ts", 101)),
        ("Table.fillRows() sets", "Table.fillRows", (True, "stats/table.ts", 100)),
        ("row_count is zero", "row_count", (True, None, None)),
        ("compute_mean is wrong", "compute_mean", (False, None, None)),
        ("`median` is wrong", "median", (False, None, None)),
        ("check(values) first", "check", (False, None, None)),
        ("`total / len(values)` fails", "total / len(values)", (True, None, None)),
    ],
)
def test_each_reference_is_looked_up_in_what_was_shown(
    trace: str, written: str, expected: tuple[bool, str | None, int | None]
) -> None:
    assert cited(trace)[written] == expected


@pytest.mark.parametrize(
    "trace",
    [
        "The function returns the mean, which fails for an empty list.",
        "len(values) and print(x) raise TypeError or `None`; self is `this`.",
        "Perhaps `if not values: return 0` would do.",
        "It is 12 lines long, e.g. for 3.5 or a/b.",
        "The value(s) and class(es) of Node.js give NaN, or a ReferenceError in MySQL.",
        "At line 12, 100 is divided.",
        "The L2 norm is used, the F2 score is low, press F5; the L40-layer net and F16 jets.",
    ],
)
def test_prose_proposals_and_what_every_program_has_are_no_references(trace: str) -> None:
    assert [w for w, (is_shown, _, _) in cited(trace).items() if not is_shown] == []


def test_a_figure_says_how_much_is_supported_and_the_rest_is_marked() -> None:
    trace = "`mean` calls compute_mean at line 500.\nThen `median()` is fine."
    found = check_citations(trace, window(), REPORT)
    assert (found.n_shown, len(found.found)) == (1, 4)
    assert found.not_shown == ("compute_mean", "line 500", "median()")
    assert marked(trace, found) == (
        "`mean` calls compute_mean [not shown] at line 500 [not shown].\n"
        "Then `median()` [not shown] is fine."
    )


def test_a_passage_in_another_script_is_marked_and_the_users_own_is_not() -> None:
    trace = "The mean 除以零错误 fails, naïve λ café."
    found = check_citations(trace, window(), REPORT)
    assert [trace[s.start : s.end] for s in found.foreign] == ["除以零错误"]
    assert "除以零错误 [in another script]" in marked(trace, found)
    assert check_citations(trace, window(), "报告: 零").foreign == ()


def test_a_score_and_a_norm_are_no_references_though_such_a_place_was_shown() -> None:
    trace = "The F1 score and the F2-measure, the L12 norm, an L10 cache, L11 regularisation."
    assert check_citations(trace, window(), REPORT).found == ()


@pytest.mark.parametrize("row", ["-", "a", "/.", "9", "ab_", "aB", "a::", "`", "F1 ", "x_y ", "L "])
def test_a_trace_of_one_endless_row_is_looked_through(row: str) -> None:
    """Some took a minute each; a trace is looked through while everybody waits."""
    trace = f"{row * (200_000 // len(row))} mean in stats/mean.py at line 12"
    found = check_citations(trace, window(), REPORT).found
    assert [c.written for c in found[-2:]] == ["stats/mean.py", "line 12"]


def test_citations_do_not_overlap_and_come_in_order() -> None:
    trace = "`stats/mean.py` and stats/mean.py, `F1`, F1: sum_of, lines 10 and 12 of `sum_of`"
    spans = [c.span for c in check_citations(trace, window(), REPORT).found]
    assert all(one.end <= other.start for one, other in pairwise(spans))


def test_kinds_are_told_apart() -> None:
    kinds = {c.kind for c in check_citations("F1 line 12 `mean`", window(), "").found}
    assert kinds == set(Cited)


def test_nothing_is_found_in_nothing() -> None:
    found = check_citations("", window(), REPORT)
    assert (found.found, found.foreign, found.not_shown) == ((), (), ())
