"""The plugin in real Neovim, without a model or with a scripted one."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from lsp.command_table import COMMANDS
from tests.e2e.neovim import PLUGIN, ROOT, run_script
from tests.e2e.scripted import BUG, FIXED, SIMPLER, write_workspace

CONTROL = "import socket; socket.socket().connect_ex(('127.0.0.1', 9))"
pytestmark = pytest.mark.editor


def test_wrong_options_and_commands_are_answered_in_one_sentence(tmp_path: Path) -> None:
    run_script(tmp_path, "options.lua", str(tmp_path))


def test_a_report_comes_from_a_terminal_a_list_a_register_or_lines(tmp_path: Path) -> None:
    run_script(tmp_path, "reports.lua", sys.executable)


def test_a_file_of_no_project_belongs_to_the_working_folder(tmp_path: Path) -> None:
    run_script(tmp_path, "root.lua", str(tmp_path))


def test_a_server_is_stopped_killed_and_started_again(tmp_path: Path) -> None:
    project = tmp_path / "project"
    write_workspace(project)
    (project / ".root").touch()
    slow = tmp_path / "slow.json"
    slow.write_text(json.dumps({"replies": ["thinking " * 4_000], "piece_delay_s": 0.05}))
    run_script(tmp_path, "life.lua", str(project), POSTIL_MODEL=f"scripted:{slow}")


def test_every_command_of_the_server_has_a_subcommand_and_help(tmp_path: Path) -> None:
    output = run_script(tmp_path, "commands.lua")
    told = json.loads(output[output.index("{") :])
    assert set(told["known"]) >= set(COMMANDS)
    assert set(told["subcommands"].values()) == set(told["known"])
    manual = (PLUGIN / "doc" / "postil.txt").read_text()
    described = set(re.findall(r"^:(?:\[range\])?Postil (\w+)", manual, re.MULTILINE))
    assert described == set(told["names"])
    chapter = manual.partition("*postil-refactor*\n")[2].partition("====")[0]
    listed = set(re.findall(r"^    (\w+) ", chapter, re.MULTILINE))
    assert listed == set(told["refactorings"])
    for readme in (ROOT / "README.md", ROOT / "editors" / "README.md"):
        named = set(re.findall(r"`:Postil (\w+)", readme.read_text(encoding="utf-8")))
        assert named <= {*told["names"], *told["refactorings"]}, readme


def test_a_report_is_followed_to_its_finding_and_an_edit_and_back(tmp_path: Path) -> None:
    project = tmp_path / "project"
    model = write_workspace(project, piece_delay_s=0.02)
    (project / ".root").touch()
    run_script(tmp_path, "flow.lua", str(project), POSTIL_MODEL=model)


def test_windows_and_questions_come_as_often_as_the_user_wants(tmp_path: Path) -> None:
    project = tmp_path / "project"
    model = write_workspace(project, piece_delay_s=0.02, then=[SIMPLER, SIMPLER])
    (project / ".root").touch()
    options = json.dumps({"live": "always", "confirm": "always"})
    run_script(
        tmp_path, "always.lua", str(project), POSTIL_MODEL=model, POSTIL_TEST_OPTIONS=options
    )


def test_neither_the_editor_nor_the_server_tries_to_reach_a_network(tmp_path: Path) -> None:
    strace = shutil.which("strace")
    if strace is None:
        pytest.skip("strace is not here (Debian: apt-get install strace)")
    project, calls = tmp_path / "project", tmp_path / "calls"
    model = write_workspace(project)
    (project / ".root").touch()
    watched = [strace, "-f", "-qq", "-e", "trace=connect,sendto,sendmsg", "-o", str(calls)]
    try:
        control = [*watched, sys.executable, "-c", CONTROL]
        subprocess.run(control, check=True, timeout=60, capture_output=True)
    except subprocess.CalledProcessError as error:
        pytest.skip(f"strace may not watch here: {error.stderr.decode()[-200:]}")
    assert "AF_INET" in calls.read_text(), "the watch does not see an attempt that was made"
    run_script(tmp_path, "report_to_edit.lua", str(project), wrapper=watched, POSTIL_MODEL=model)
    seen = calls.read_text()
    assert "AF_UNIX" in seen, "nothing at all was seen"
    assert "AF_INET" not in seen


def test_a_new_file_is_asked_for_and_never_made_over_another(tmp_path: Path) -> None:
    project = tmp_path / "project"
    project.mkdir()
    (project / ".root").touch()
    (project / "rates.py").write_text("def old_rate():\n    return 3\n")
    replies = tmp_path / "replies.json"
    words = ["It gives 3.\n</think>", "():\n    assert old_rate() == 3\n```\n"]
    replies.write_text(json.dumps(words * 2))
    run_script(tmp_path, "newfile.lua", str(project), POSTIL_MODEL=f"scripted:{replies}")


def test_refactorings_need_no_model(tmp_path: Path) -> None:
    project = tmp_path / "project"
    write_workspace(project)
    (project / ".root").touch()
    run_script(tmp_path, "refactor.lua", str(project), POSTIL_MODEL="none")


def test_a_finding_is_fixed_on_its_line_and_dismissed(tmp_path: Path) -> None:
    project = tmp_path / "project"
    model = write_workspace(project, then=[FIXED, FIXED, BUG])
    (project / ".root").touch()
    run_script(tmp_path, "fix.lua", str(project), POSTIL_MODEL=model)
