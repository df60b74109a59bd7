"""Forms and version lists are left out of a search; what the person wrote stays."""

from __future__ import annotations

import pytest

from context.boilerplate import without_boilerplate


@pytest.mark.parametrize(
    "line",
    [
        "### Steps to reproduce",
        "**Expected behavior**",
        "Versions",
        "## What did you expect to see?",
        "numpy: 1.18.1",
        "- Python version: 3.8.2",
        "dask: None",
        "  *   numpy \t:    1.18.1",
        "##   Environment   info  ",
    ],
)
def test_headings_of_forms_and_versions_are_left_out(line: str) -> None:
    assert without_boilerplate(f"Title\n{line}\nThe end") == "Title\nThe end"


@pytest.mark.parametrize(
    "line",
    [
        "The expected behavior is that the reader stops at the first comma.",
        "x = parse('1.2')",
        "ValueError: bad header",
        "reader.version is wrong",
        " " * 70 + "^^^^^^",
        "name" + " " * 250 + "value",
    ],
)
def test_what_a_person_wrote_stays(line: str) -> None:
    assert without_boilerplate(f"Title\n{line}") == f"Title\n{line}"


def test_the_first_line_always_stays() -> None:
    assert without_boilerplate("\nVersions\nVersions") == "\nVersions"


def test_a_comment_of_a_form_is_left_out_even_when_it_is_not_closed() -> None:
    assert without_boilerplate("A<!-- read\nthis -->B\nC<!-- and") == "A B\nC "


def test_a_very_long_line_is_kept_and_takes_no_time() -> None:
    line = "a" * 200_000
    assert without_boilerplate(f"T\n{line}") == f"T\n{line}"


@pytest.mark.timeout(60)
def test_lines_with_long_runs_of_spaces_are_read_in_linear_time() -> None:
    """A pattern that shares a run out in every way takes hours here, which the time-out ends."""
    report = "\n".join(" " * n + "^" for n in range(1, 299))
    assert without_boilerplate(f"T\n{report}") == f"T\n{report}"
