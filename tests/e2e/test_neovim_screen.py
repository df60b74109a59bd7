"""What a person sees: Neovim on a terminal, with its screens kept as text in build/pictures."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.e2e.neovim import SCRIPTS, Screen
from tests.e2e.scripted import write_workspace

pytestmark = pytest.mark.editor


def _yank_report_and_open_caller(screen: Screen) -> None:
    screen.wait_for("AssertionError: pay() gives 3")
    screen.command("silent %yank")
    screen.command("cd %:h | edit caller.py")
    screen.wait_for("def pay():", "Postil: ready")


def test_suspects_thinking_a_finding_and_an_edit_are_seen(tmp_path: Path) -> None:
    project = tmp_path / "shop"
    model = write_workspace(project, piece_delay_s=0.05)
    (project / ".root").touch()
    with Screen(tmp_path, [str(project / "report.txt")], POSTIL_MODEL=model) as screen:
        _yank_report_and_open_caller(screen)

        screen.command("Postil locate")
        screen.wait_for("1. pay: the innermost frame", "Postil: locating the bug")
        screen.command("Postil trace")
        screen.wait_for("`pay` adds nothing of its own")
        screen.picture("1-thinking")
        screen.keys("q")
        screen.wait_for("1. pay", gone="adds nothing")
        screen.wait_for("postil: caller.py:6: The rate in rates.py gives 3.")
        screen.picture("2-suspects")

        screen.command("6")
        screen.keys("$", "h", "K")
        screen.wait_for("Cause, as the model sees it", "Reasoning (elicited")
        screen.picture("3-hover")
        screen.keys("k")  # the cursor moves, and the hover goes
        screen.command("6")
        screen.wait_for("def pay():", gone="Reasoning (elicited")

        screen.command("Postil trace")
        screen.wait_for("Postil: reasoning", "Shown to the model:", "`new_rate` [not shown]")
        screen.picture("4-trace")
        screen.keys("/rates.py:1-2", "Enter")
        screen.keys("Enter")  # from the reference to the code
        screen.wait_for("def old_rate():", gone="Postil: reasoning")

        screen.command("buffer caller.py")
        screen.command("5,6Postil refactor change say rate instead of old_rate everywhere")
        asked = screen.wait_for("change 2 files?", "+def rate():")
        assert "y yes, n no" in asked
        screen.picture("5-edit")
        screen.keys("y")
        screen.wait_for("return rate()", "postil: 2 files changed", gone="y yes, n no")
        screen.picture("6-changed")
        screen.keys("u")
        screen.wait_for("return old_rate()")

        screen.command("4,6Postil explain")
        screen.wait_for("Postil: <C-c> stops", "adds nothing")
        screen.picture("7-explaining")
        screen.wait_for("which is 3", "▸ Thinking")
        screen.picture("8-explained")
        screen.keys("q")
        screen.command("Postil clear")
        screen.wait_for("def pay():", gone="1. pay")


def test_a_job_is_stopped_from_the_window_that_shows_it(tmp_path: Path) -> None:
    project = tmp_path / "shop"
    model = write_workspace(project, piece_delay_s=0.2)
    (project / ".root").touch()
    with Screen(tmp_path, [str(project / "caller.py")], POSTIL_MODEL=model) as screen:
        screen.wait_for("Postil: ready")
        screen.command("4,6Postil explain")
        screen.wait_for("Postil: <C-c> stops", "The report says")
        screen.keys("C-c")
        screen.wait_for("postil: stopped", "Postil: ready", gone="The report says")


def test_a_server_that_is_not_there_is_said_on_the_screen(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("x = 1\n")
    command = '["no-such-postil", "serve"]'
    with Screen(tmp_path, [str(tmp_path / "a.py")], POSTIL_TEST_CMD=command) as screen:
        screen.wait_for("postil: no-such-postil was not found; install Postil")


def test_an_edit_is_asked_for_only_once_the_user_does_not_type(tmp_path: Path) -> None:
    project = tmp_path / "shop"
    model = write_workspace(project)
    (project / ".root").touch()
    change = "5,6Postil refactor change say rate instead of old_rate everywhere"
    with Screen(tmp_path, [str(project / "report.txt")], POSTIL_MODEL=model) as screen:
        _yank_report_and_open_caller(screen)
        screen.command("Postil locate")
        screen.wait_for("postil: caller.py:6: The rate in rates.py gives 3.")
        screen.command(f"luafile {SCRIPTS / 'tell.lua'}")
        screen.command("let code = bufnr() | new")
        screen.keys("i", "C-o")  # from here on in insert mode, but for one command
        screen.command(f"call win_execute(bufwinid(code), '{change}')")
        screen.wait_for("an edit has come", "-- INSERT --")
        screen.keys("-l", "yes, y, y")
        screen.wait_for("yes, y, y", gone="y yes, n no")
        screen.keys("Escape")
        screen.wait_for("y yes, n no", "+def rate():")
        screen.keys("y")
        screen.wait_for("return rate()", "postil: 2 files changed", gone="y yes, n no")
