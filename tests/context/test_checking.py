"""Check commands on a copy: real programs that pass, fail, hang, fork, and reach out."""

from __future__ import annotations

import asyncio
import os
import shutil
import socket
import sys
import tempfile
import threading
from pathlib import Path

import psutil
import pytest

from context import shadow_copy
from context.checking import CheckRun, Status, n_failed, run_check, verdict
from context.shadow_copy import NotWanted, TooMuchToCopy, make_copy

linux_only = pytest.mark.skipif(sys.platform != "linux", reason="the kernel's own means")
PYTEST = (sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "p"
    (folder / "tests").mkdir(parents=True)
    (folder / "shop.py").write_text("def total(xs):\n    return sum(xs)\n")
    (folder / "tests/test_shop.py").write_text(
        "from shop import total\n\n\ndef test_a():\n    assert total([1]) == 1\n\n\n"
        "def test_b():\n    assert total([]) == 0\n"
    )
    return folder


async def _run(
    tmp_path: Path, root: Path, *command: str, timeout_s: float = 60.0, **texts: str
) -> CheckRun:
    changed = {f"{name}.py": text for name, text in texts.items()}
    copy = await asyncio.to_thread(make_copy, root, tmp_path / "copy", changed)
    return await run_check(command, copy.folder, tmp_path / "temporary", timeout_s)


def _python(code: str) -> tuple[str, str, str]:
    return sys.executable, "-c", code


async def test_a_projects_tests_pass_on_the_copy(tmp_path: Path, root: Path) -> None:
    run = await _run(tmp_path, root, *PYTEST)
    assert (run.status, run.n_failed) == (Status.PASSES, 0), run.output
    assert "2 passed" in run.output


async def test_a_changed_text_is_what_is_tested_and_the_file_stays(
    tmp_path: Path, root: Path
) -> None:
    before = (root / "shop.py").read_text()
    run = await _run(tmp_path, root, *PYTEST, shop="def total(xs):\n    return 1\n")
    assert (run.status, run.n_failed) == (Status.FAILS, 1), run.output
    assert (root / "shop.py").read_text() == before


async def test_a_command_that_hangs_is_ended_with_all_that_it_started(
    tmp_path: Path, root: Path
) -> None:
    """It starts a grandchild in a session of its own, says its id, and waits for ever."""
    code = (
        "import subprocess, sys, time\n"
        "inner = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'],\n"
        "                         start_new_session=True)\n"
        "print(inner.pid, flush=True)\n"
        "time.sleep(600)\n"
    )
    run = await _run(tmp_path, root, *_python(code), timeout_s=3.0)
    assert run.status is Status.TIMED_OUT
    assert not _alive(int(run.output))


@linux_only
async def test_what_is_left_behind_by_a_command_that_ends_is_ended_too(
    tmp_path: Path, root: Path
) -> None:
    code = (
        "import os, subprocess, sys\n"
        "inner = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'],\n"
        "                         start_new_session=True, stdout=subprocess.DEVNULL)\n"
        "print(inner.pid, flush=True)\n"
        "os._exit(0)\n"
    )
    run = await _run(tmp_path, root, *_python(code))
    assert run.status is Status.PASSES
    assert not _alive(int(run.output))


@linux_only
async def test_cancelling_ends_the_command(tmp_path: Path, root: Path) -> None:
    pipe = tmp_path / "temporary" / "started"
    pipe.parent.mkdir()
    os.mkfifo(pipe)
    code = f"import os, time; open({str(pipe)!r}, 'w').write(str(os.getpid())); time.sleep(600)"
    task = asyncio.ensure_future(_run(tmp_path, root, *_python(code)))
    pid = int(await asyncio.to_thread(pipe.read_text))
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert not _alive(pid)


@linux_only
async def test_a_command_cannot_write_outside_of_the_copy(tmp_path: Path, root: Path) -> None:
    outside = tmp_path / "outside.txt"
    outside.write_text("as it was")
    code = (
        "import os\n"
        "from pathlib import Path\n"
        "Path('inside.txt').write_text('x')\n"
        "(Path(os.environ['TMPDIR']) / 'inside.txt').write_text('x')\n"
        f"for act in (lambda: Path({str(outside)!r}).write_text('y'),\n"
        f"            lambda: os.remove({str(outside)!r}),\n"
        f"            lambda: os.rename({str(outside)!r}, 'moved'),\n"
        f"            lambda: Path({str(root / 'shop.py')!r}).write_text('y'),\n"
        f"            lambda: os.mkdir({str(tmp_path / 'made')!r})):\n"
        "    try:\n        act()\n    except OSError:\n        print('refused')\n"
    )
    run = await _run(tmp_path, root, *_python(code))
    assert run.output.split() == ["refused"] * 5
    assert outside.read_text() == "as it was"
    assert not (tmp_path / "made").exists()


@linux_only
async def test_a_command_has_no_network(tmp_path: Path, root: Path) -> None:
    code = (
        "import socket\n"
        "try:\n    socket.create_connection(('127.0.0.1', 9), 1)\n"
        "except ConnectionRefusedError:\n    print('reached this machine')\n"
        "except OSError as error:\n    print('no network')\n"
    )
    run = await _run(tmp_path, root, *_python(code))
    assert run.output.split("\n")[0] == "no network"


@linux_only
async def test_a_command_reaches_no_service_by_a_local_socket(tmp_path: Path, root: Path) -> None:
    """Such as the session bus, which starts programs outside when it is asked."""
    place = tempfile.mkdtemp()  # a socket's path is short
    service = socket.socket(socket.AF_UNIX)
    try:
        service.bind(f"{place}/bus")
        service.listen()
        code = (
            "import socket\n"
            f"try:\n    socket.socket(socket.AF_UNIX).connect('{place}/bus')\n"
            "except OSError as error:\n    print('refused')\n"
            "else:\n    print('reached')\n"
        )
        run = await _run(tmp_path, root, *_python(code))
    finally:
        service.close()
        shutil.rmtree(place)
    assert run.output == "refused\n"


async def test_what_tests_need_of_the_system_is_there(tmp_path: Path, root: Path) -> None:
    """Event loops, threads, processes with their pipes, pools, and a port of its own."""
    (root / "tests/test_shop.py").write_text(
        "import asyncio, concurrent.futures, multiprocessing, socket, subprocess, sys\n\n"
        "def test_loop():\n"
        "    async def ask():\n"
        "        child = await asyncio.create_subprocess_exec(\n"
        "            sys.executable, '-c', 'print(1)', stdout=subprocess.PIPE)\n"
        "        return (await child.communicate())[0].strip()\n"
        "    assert asyncio.run(ask()) == b'1'\n\n"
        "def test_pool():\n"
        "    spawn = multiprocessing.get_context('spawn')\n"
        "    with concurrent.futures.ProcessPoolExecutor(2, mp_context=spawn) as pool:\n"
        "        assert list(pool.map(abs, [-1, -2])) == [1, 2]\n\n"
        "def test_pair():\n"
        "    a, b = socket.socketpair()\n"
        "    a.send(b'x')\n"
        "    assert b.recv(1) == b'x'\n"
    )
    run = await _run(tmp_path, root, *PYTEST)
    assert run.status is Status.PASSES, run.output


async def test_output_is_bounded_and_secrets_of_the_environment_are_not_passed_on(
    tmp_path: Path, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SHOP_API_KEY", "canary")
    monkeypatch.setenv("GITHUB_TOKEN", "canary")
    code = (
        "import os; print('canary' in str(dict(os.environ))); print('x' * 3_000_000); print('end')"
    )
    run = await _run(tmp_path, root, *_python(code))
    assert len(run.output) <= 200_000
    assert run.output.endswith("end\n")
    quiet = await run_check(
        _python("import os; print('canary' in str(dict(os.environ)))"),
        tmp_path / "copy", tmp_path / "temporary", 30.0,
    )  # fmt: skip
    assert quiet.output == "False\n"


async def test_a_command_that_is_not_there_is_no_failing_test(tmp_path: Path, root: Path) -> None:
    run = await _run(tmp_path, root, "postil-has-no-such-program")
    assert run.status is Status.NOT_STARTED
    assert verdict(run, None) == "not checked: the check command cannot be started"


def test_a_copy_has_no_links_no_secrets_and_nothing_that_is_ignored(
    tmp_path: Path, root: Path
) -> None:
    (root / ".env").write_text("KEY=1")
    (root / ".gitignore").write_text("out/\n")
    (root / "out").mkdir()
    (root / "out/a.txt").write_text("x")
    (root / "link.py").symlink_to("/etc/passwd")
    (root / "data.json").write_text("{}")
    copy = make_copy(root, tmp_path / "copy", {"new/test_x.py": "x = 1\n"})
    found = sorted(p.relative_to(copy.folder).as_posix() for p in copy.folder.rglob("*"))
    assert found == [
        ".gitignore", "data.json", "new", "new/test_x.py", "shop.py", "tests", "tests/test_shop.py",
    ]  # fmt: skip
    again = make_copy(root, tmp_path / "again", {"new/test_x.py": "x = 1\n"})
    other = make_copy(root, tmp_path / "other", {"new/test_x.py": "x = 2\n"})
    assert copy.digest == again.digest != other.digest


def test_too_much_is_not_copied(
    tmp_path: Path, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shadow_copy, "MAX_FILES", 1)
    with pytest.raises(TooMuchToCopy, match="is not copied to check an edit"):
        make_copy(root, tmp_path / "copy", {})


def test_a_copy_that_is_not_wanted_any_more_is_not_made(tmp_path: Path, root: Path) -> None:
    stop = threading.Event()
    stop.set()
    with pytest.raises(NotWanted):
        make_copy(root, tmp_path / "copy", {"a.py": "x = 1\n"}, stop)
    assert list((tmp_path / "copy").iterdir()) == []


@pytest.mark.parametrize(
    ("output", "expect"),
    [
        ("==== 3 failed, 12 passed in 0.1s ====", 3),
        ("1 failed, 4 passed, 2 warnings in 3.26s", 1),
        ("1 failed, 4 passed, 2 errors in 3.26s", 3),
        ("2 errors in 0.10s", 2),
        ("FAILED (failures=1, errors=2)", 3),
        ("FAILED (errors=2)", 2),
        ("test result: FAILED. 3 passed; 2 failed; 0 ignored", 2),
        ("Tests:       1 failed, 4 passed, 5 total", 1),
        ("--- FAIL: TestA (0.00s)\n--- FAIL: TestB (0.00s)\nFAIL\n", 2),
        ("Found 7 errors in 2 files (checked 9 source files)", 7),
        ("\n  Tests  2 failed | 3 passed (5)\n", 2),
        ("Tests:       12 skipped, 3 failed, 15 total", 3),
        ("# fail " + "9" * 5_000, None),
        ("Segmentation fault", None),
    ],
)
def test_what_runners_count(output: str, expect: int | None) -> None:
    assert n_failed(output) == expect


@pytest.mark.parametrize(
    ("after", "before", "expect"),
    [
        (CheckRun(Status.PASSES, 0, ""), None, "checked: passes"),
        (CheckRun(Status.PASSES, 0, ""), CheckRun(Status.FAILS, 2, ""),
         "checked: passes (failed before)"),
        (CheckRun(Status.FAILS, 3, ""), CheckRun(Status.FAILS, 1, ""),
         "checked: fails (3 failed, before 1)"),
        (CheckRun(Status.FAILS, 3, ""), CheckRun(Status.PASSES, 0, ""),
         "checked: fails (3 failed, passed before)"),
        (CheckRun(Status.FAILS, None, ""), None, "checked: fails"),
        (CheckRun(Status.FAILS, None, ""), CheckRun(Status.TIMED_OUT, None, ""),
         "checked: fails (before: takes too long)"),
        (CheckRun(Status.TIMED_OUT, None, ""), None,
         "not checked: the check command takes too long"),
    ],
)  # fmt: skip
def test_what_a_title_says(after: CheckRun, before: CheckRun | None, expect: str) -> None:
    assert verdict(after, before) == expect


def _alive(pid: int) -> bool:
    try:
        return bool(psutil.Process(pid).status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False
