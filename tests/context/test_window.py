"""Packing: what goes in, in which order, what the receipt says, and that no secret does."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from context.window import Role, Snippet, pack, render_numbered

KEY = "q8Zk2LmP0xVb7Rt4Wn9Yc3Hd6Js1Fg5A"


def snippet(path: str, text: str, role: Role = Role.SUSPECT, first: int = 1) -> Snippet:
    return Snippet(path, first, first + text.count("\n"), None, text, role, "why", "hash")


async def words(texts: Sequence[str]) -> list[int]:
    return [len(text.split()) for text in texts]


async def test_suspects_go_first_and_what_is_too_much_is_named() -> None:
    related, suspect = snippet("b.py", "b = 1", Role.RELATED), snippet("a.py", "a = 1")
    test = snippet("t.py", "\n".join(["x"] * 40), Role.TEST)
    window = await pack([test, related, suspect], 22, words)
    assert [p.snippet.path for p in window.pieces] == ["a.py", "b.py"]
    assert [(o.path, o.reason) for o in window.receipt.left_out] == [("t.py", "over the budget")]
    assert window.receipt.used_tokens == sum(p.n_tokens for p in window.pieces) <= 22
    assert [window.path_of(p.file_id) for p in window.pieces] == ["a.py", "b.py"]


async def test_a_first_function_that_is_too_long_is_cut_and_the_rest_is_named() -> None:
    long = snippet("a.py", "\n".join(f"line_{n} = {n}" for n in range(60)), first=101)
    window = await pack([long], 100, words)
    (piece,) = window.pieces
    assert piece.snippet.start_line == 101
    assert piece.snippet.end_line < 160
    (rest,) = window.receipt.left_out
    assert (rest.start_line, rest.end_line) == (piece.snippet.end_line + 1, 160)


def numbered(n_lines: int, asked: tuple[int, int]) -> Snippet:
    long = snippet("a.py", "\n".join(f"line_{n} = {n}" for n in range(1, n_lines + 1)))
    return replace(long, asked=asked)


async def test_of_a_long_function_its_head_and_the_lines_asked_about_are_shown() -> None:
    window = await pack([numbered(260, (190, 195))], 200, words)
    head, around = (piece.snippet for piece in window.pieces)
    assert (head.start_line, head.text.split("\n")[0]) == (1, "line_1 = 1")
    assert around.start_line < 190
    assert around.end_line > 195
    assert around.text.split("\n")[190 - around.start_line] == "line_190 = 190"
    assert {piece.file_id for piece in window.pieces} == {"F1"}
    assert [(o.start_line, o.end_line, o.reason) for o in window.receipt.left_out] == [
        (head.end_line + 1, around.start_line - 1, "too long"),
        (around.end_line + 1, 260, "too long"),
    ]
    assert "195| line_195 = 195" in render_numbered(window)


@given(st.integers(1, 120), st.integers(1, 120), st.integers(1, 120), st.integers(60, 700))
async def test_what_is_cut_is_in_the_budget_and_begins_with_what_is_asked_about(
    n_lines: int, one: int, other: int, budget: int
) -> None:
    first, last = sorted((min(one, n_lines), min(other, n_lines)))
    whole = numbered(n_lines, (first, last))
    window = await pack([whole], budget, words)
    assert window.receipt.used_tokens <= budget
    if not window.pieces:
        return
    assert window.piece_at("a.py", first) is not None
    shown = [n for p in window.pieces for n in range(p.snippet.start_line, p.snippet.end_line + 1)]
    left = [n for o in window.receipt.left_out for n in range(o.start_line, o.end_line + 1)]
    assert sorted(shown + left) == list(range(1, n_lines + 1))
    lines = whole.text.split("\n")
    assert [line for p in window.pieces for line in p.snippet.text.split("\n")] == [
        lines[n - 1] for n in shown
    ]
    if last - first < 4 and len(window.pieces) == 2:
        assert window.piece_at("a.py", last) is window.piece_at("a.py", first)


async def test_a_secret_is_shown_under_another_name_and_comes_back() -> None:
    code = f'API_KEY = "{KEY}"\nPORT = 80\n'
    window = await pack([snippet("a.py", code), snippet("b.py", f'OTHER = "{KEY}"')], 900, words)
    shown = render_numbered(window)
    assert KEY not in shown
    assert shown.count("POSTIL_HIDDEN_1") == 2
    assert window.receipt.n_secrets == 1
    assert window.reveal('API_KEY = "POSTIL_HIDDEN_1"') == f'API_KEY = "{KEY}"'
    assert [p.snippet.text for p in window.revealed().pieces] == [code, f'OTHER = "{KEY}"']
    assert KEY not in "".join(p.snippet.text for p in window.receipt.shown)


async def test_a_password_of_settings_is_not_shown_though_it_is_a_word() -> None:
    settings = "db:\n  password: changeit\n"
    window = await pack([snippet("app.yml", settings), snippet("a.py", "a = 1")], 900, words)
    assert "password: POSTIL_HIDDEN_1\n" in window.pieces[0].snippet.text
    assert window.revealed().pieces[0].snippet.text == settings


async def test_a_file_of_secrets_is_not_shown_at_all() -> None:
    window = await pack([snippet("deploy/.env", "PORT=80"), snippet("a.py", "a = 1")], 900, words)
    assert [p.snippet.path for p in window.pieces] == ["a.py"]
    assert [(o.path, o.reason) for o in window.receipt.left_out] == [
        ("deploy/.env", "a file of secrets")
    ]
