"""Reading reports: what is named, quoted and raised; and reports that are no reports."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from context.report import (
    MAX_MENTIONS,
    MAX_REPORT,
    EmptyReport,
    NameForm,
    PathMention,
    Raised,
    read_report,
)
from context.traceback import MAX_FRAMES


def _paths(text: str) -> list[PathMention]:
    return list(read_report(text).paths)


def _forms(text: str) -> dict[str, NameForm]:
    return {mention.written: mention.form for mention in read_report(text).names}


@pytest.mark.parametrize("text", ["", "  \n\t", "123 456", "?!", "\x00\x00", "- - -"])
def test_a_report_without_a_word_is_refused_with_what_to_do(text: str) -> None:
    with pytest.raises(EmptyReport, match="no words in it: give"):
        read_report(text)


def test_paths_are_read_with_their_lines() -> None:
    assert _paths("see src/a/b.py:12 and core\\io\\wire.cpp:7:3, or `view.ts`.") == [
        PathMention("src/a/b.py", 12),
        PathMention("core/io/wire.cpp", 7),
        PathMention("view.ts", None),
    ]


def test_lines_as_ruby_and_net_write_them_belong_to_no_path() -> None:
    assert _paths("from app/user.rb:10:in `save'") == [PathMention("app/user.rb", 10)]
    assert _paths("at Total() in /x/Cart.cs:line 42") == [PathMention("/x/Cart.cs", 42)]


def test_a_link_to_a_file_of_a_repository_is_its_path() -> None:
    link = "https://host.example/o/r/blob/9f1c/src/a.go#L10-L20"
    assert _paths(f"It is [here]({link}).") == [PathMention("src/a.go", 10)]


def test_other_links_name_no_file() -> None:
    assert _paths("see https://host.example/docs/guide.html for more") == []


def test_names_are_known_by_how_they_are_written() -> None:
    forms = _forms(
        "`plain` word, call(x), Outer.method, ns::free, snake_case, camelCase, HTTPServer"
    )
    assert forms == {
        "plain": NameForm.MARKED,
        "call": NameForm.CALLED,
        "Outer.method": NameForm.QUALIFIED,
        "ns.free": NameForm.QUALIFIED,
        "snake_case": NameForm.SHAPED,
        "camelCase": NameForm.SHAPED,
        "HTTPServer": NameForm.SHAPED,
    }
    assert _forms("two URLs and a PDF, Title Case") == {}


def test_a_capital_alone_is_a_name_where_it_is_called_or_marked() -> None:
    assert _forms("Q(a=1) or `F` and I") == {"Q": NameForm.CALLED, "F": NameForm.MARKED}
    assert _forms("f(x) in `go` for xs") == {}


def test_two_sentences_without_a_space_are_no_qualified_name() -> None:
    assert _forms("it ends.The next begins") == {}


def test_what_was_raised_comes_with_its_message() -> None:
    report = read_report("some text\nacme.errors.WireError: the line is down\nE   KeyError: 'x'\n")
    assert report.raised == (
        Raised("acme.errors.WireError", "the line is down"),
        Raised("KeyError", "'x'"),
    )


def test_panics_of_go_and_rust_are_messages() -> None:
    report = read_report(
        "panic: send on closed channel\nthread 'x' panicked at 'no slot', a.rs:1:1"
    )
    assert [r.message for r in report.raised] == ["send on closed channel", "no slot"]


def test_quotes_of_every_kind_are_kept_and_apostrophes_are_not() -> None:
    report = read_report("""it's "one two", `three four`, “five six” and 'seven eight'; don't""")
    assert set(report.quoted) == {"one two", "three four", "five six", "seven eight"}


def test_the_title_is_the_first_line_with_words() -> None:
    assert read_report("\n\n## Reader loses data\n\nbody").title == "Reader loses data"


def test_a_traceback_on_one_line_of_a_log_is_opened_up() -> None:
    log = (
        r'{"msg": "Traceback (most recent call last):\n  File \"a/b.py\", line 3, in run\n'
        r'    x()\n  File \"a/c.py\", line 9, in x\nValueError: bad"}'
    )
    frames = read_report(log).frames
    assert [(f.path, f.line, f.order) for f in frames] == [("a/b.py", 3, 1), ("a/c.py", 9, 0)]


def test_of_a_long_log_the_start_and_the_error_at_its_end_are_read() -> None:
    log = "INFO all is well\n" * MAX_REPORT
    error = '  File "a.py", line 3, in f\nValueError: no\n'
    report = read_report(f"The server stops\n{log}{error}")
    assert len(report.text) == MAX_REPORT
    assert report.title == "The server stops"
    assert [(f.path, f.line) for f in report.frames] == [("a.py", 3)]
    assert report.raised == (Raised("ValueError", "no"),)


def test_of_an_endless_recursion_the_innermost_frames_are_read() -> None:
    calls = "".join(f'  File "m{n}.py", line {n}, in f{n}\n' for n in range(MAX_FRAMES + 100))
    frames = read_report(f"Traceback (most recent call last):\n{calls}ValueError: no").frames
    assert len(frames) == MAX_FRAMES
    assert (frames[-1].path, frames[-1].order) == (f"m{MAX_FRAMES + 99}.py", 0)


def test_mentions_are_bounded() -> None:
    report = read_report(" ".join(f"dir/f{n}.py name_{n}" for n in range(3_000)))
    assert len(report.paths) == len(report.names) == MAX_MENTIONS


@pytest.mark.timeout(60)
@pytest.mark.parametrize(
    "piece",
    [
        "a",
        "a.",
        "A::",
        "_",
        "`",
        '"',
        "'",
        "/",
        "\\n at ",
        "(",
        "%20",
        "#0 0x1 in f ",
        "at a ",
        "\u2028",
    ],
)
def test_one_endless_line_is_read_in_linear_time(piece: str) -> None:
    """A pattern that backtracks takes minutes here, which the time-out of the test ends."""
    assert len(read_report("word " + piece * (1_000_000 // len(piece))).text) == MAX_REPORT


@given(st.text(max_size=400))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        report = read_report(text)
    except EmptyReport:
        return
    assert report.words
    assert all(0 < len(mention.path) <= 300 for mention in report.paths)
