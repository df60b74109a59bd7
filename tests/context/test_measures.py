"""The measures by hand on small rankings, and what is taken for a bug fix."""

from __future__ import annotations

import pytest

from context.measures import measure, summarize
from context.mining import report_of


def test_measures_of_one_ranking_are_those_worked_out_by_hand() -> None:
    found = measure(["a", "x", "b", "y", "z", "c"], ["a::f", "b::g"], {"a", "c"}, {"b::g"})
    assert found == {
        "Acc@1": 1.0, "Acc@5": 0.0, "R@5": 0.5, "R@10": 1.0, "MRR": 1.0,
        "fn Acc@5": 1.0, "fn Acc@10": 1.0, "fn R@10": 1.0, "fn MRR": 0.5,
    }  # fmt: skip


def test_without_functions_in_the_answer_only_files_are_measured() -> None:
    assert set(measure([], [], {"a"}, set())) == {"Acc@1", "Acc@5", "R@5", "R@10", "MRR"}
    assert not any(measure([], [], {"a"}, set()).values())


def test_intervals_hold_the_mean_and_are_the_same_each_time() -> None:
    cases = [{"Acc@1": float(n % 3 == 0)} for n in range(30)]
    middle, low, high = summarize(cases)["Acc@1"]
    assert middle == pytest.approx(1 / 3)
    assert 0.1 < low < middle < high < 0.6
    assert summarize(cases) == summarize(cases)


def test_a_report_loses_what_points_at_people_and_tickets() -> None:
    message = "Fix crash on save (#12)\n\nThe file was gone.\n\nSigned-off-by: A <a@b>\n"
    assert report_of(message) == "Fix crash on save \n\nThe file was gone."
