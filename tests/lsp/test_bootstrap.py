"""The set-up script: what it says when the machine lacks something."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from lsp import bootstrap


def _make_tool(folder: Path, name: str) -> None:
    tool = folder / name
    tool.write_text("#!/bin/sh\n")
    tool.chmod(0o755)


def test_a_missing_compiler_is_named_with_what_to_install(tmp_path: Path) -> None:
    _make_tool(tmp_path, "git")
    with pytest.raises(bootstrap.SetupFailed, match=r"no C compiler.*install one.*g\+\+"):
        bootstrap.check_tools({"PATH": str(tmp_path)})


def test_a_missing_cpp_compiler_is_told_apart(tmp_path: Path) -> None:
    for name in ("git", "gcc"):
        _make_tool(tmp_path, name)
    with pytest.raises(bootstrap.SetupFailed, match=r"no C\+\+ compiler"):
        bootstrap.check_tools({"PATH": str(tmp_path)})


def test_compilers_named_by_the_environment_count(tmp_path: Path) -> None:
    for name in ("git", "my-cc", "my-cxx"):
        _make_tool(tmp_path, name)
    environ = {"PATH": str(tmp_path), "CC": "my-cc -m64", "CXX": "my-cxx"}
    bootstrap.check_tools(environ)


def test_a_missing_git_is_named(tmp_path: Path) -> None:
    with pytest.raises(bootstrap.SetupFailed, match="git was not found; install it"):
        bootstrap.check_tools({"PATH": str(tmp_path)})


def test_an_old_python_is_told_which_to_use() -> None:
    with pytest.raises(bootstrap.SetupFailed, match=r"Python 3\.10, and Postil needs 3\.11"):
        bootstrap.check_python((3, 10))


def test_a_failing_step_shows_its_last_lines_and_the_advice(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    log = tmp_path / "step.log"
    script = "import sys; print('cc1plus: out of memory'); sys.exit(4)"
    with pytest.raises(bootstrap.SetupFailed, match=r"building failed \(exit 4\): get more memory"):
        bootstrap.run_step("building", [sys.executable, "-c", script], log, "get more memory")
    assert "cc1plus: out of memory" in capfd.readouterr().err


def test_the_script_ends_with_one_sentence_and_a_code_when_git_is_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert bootstrap.main(["setup", "--venv", str(tmp_path / "venv")]) == 3
    error = capfd.readouterr().err
    assert error.startswith("postil set-up: git was not found")
    assert not (tmp_path / "venv").exists()


def test_set_up_refuses_an_option_that_it_does_not_know(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        bootstrap.main(["setup", "--acelerator", "cuda", "--venv", str(tmp_path / "venv")])
    assert ended.value.code == 2
    assert "setup does not know --acelerator cuda" in capsys.readouterr().err


def test_the_environment_is_where_the_command_is_typed_in_new_folders_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    asked: list[Path] = []
    monkeypatch.setattr(bootstrap, "check_tools", lambda _: None)
    monkeypatch.setattr(bootstrap, "install", lambda venv, *_, **__: asked.append(venv) or venv)
    monkeypatch.chdir(tmp_path)
    assert bootstrap.main(["setup", "--venv", "new/myenv"]) == 0
    assert asked == [tmp_path / "new" / "myenv"]
    monkeypatch.undo()
    monkeypatch.setattr(bootstrap, "check_tools", lambda _: None)
    (tmp_path / "file").touch()
    assert bootstrap.main(["setup", "--venv", str(tmp_path / "file" / "x" / "venv")]) == 3
    assert "Traceback" not in (told := capsys.readouterr().err)
    assert f"postil set-up: {tmp_path / 'file'}" in told


@pytest.mark.skipif(sys.platform == "win32", reason="a shell script")
def test_an_environment_whose_making_was_stopped_is_made_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    python = tmp_path / "new" / "venv" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.write_text("#!/bin/sh\nexit 1\n")  # No module named pip
    python.chmod(0o755)
    titles: list[str] = []
    monkeypatch.setattr(bootstrap, "run_step", lambda title, *_: titles.append(title))
    accelerator = bootstrap.Accelerator.CPU
    bootstrap.install(python.parent.parent, accelerator, developer=False)
    assert titles[0] == "making the environment venv"
    (python.parent.parent / ".postil-requirements").unlink()
    python.write_text("#!/bin/sh\nexit 0\n")
    titles.clear()
    bootstrap.install(python.parent.parent, accelerator, developer=False)
    assert titles[0].startswith("installing dependencies")


def test_a_build_for_other_hardware_takes_the_locked_source_with_its_hashes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ran: list[tuple[list[str], str, dict[str, str]]] = []

    def run_step(
        title: str, command: list[str], log: Path, advice: str, environment: dict[str, str]
    ) -> None:
        assert "CUDA" in title
        assert "nvcc" in advice
        ran.append((command, Path(command[-1]).read_text(), environment))

    monkeypatch.setattr(bootstrap, "run_step", run_step)
    monkeypatch.delenv("CMAKE_ARGS", raising=False)
    lock = bootstrap.ROOT / "requirements.lock"
    bootstrap.build_for(bootstrap.Accelerator.CUDA, ["pip", "install"], lock, tmp_path / "log")
    ((command, locked, environment),) = ran
    assert environment == {"CMAKE_ARGS": "-DLLAVA_BUILD=OFF -DGGML_CUDA=ON"}
    assert {"--require-hashes", "--no-binary", "--no-cache-dir"} <= set(command)
    assert locked.startswith("llama-cpp-python==")
    assert locked.count("==") == 1
    assert "--hash=sha256:" in locked


def test_what_an_environment_was_built_for_is_remembered(tmp_path: Path) -> None:
    assert bootstrap.installed_accelerator(tmp_path) is bootstrap.Accelerator.CPU
    (tmp_path / bootstrap.ACCELERATOR_NOTE).write_text("vulkan")
    assert bootstrap.installed_accelerator(tmp_path) is bootstrap.Accelerator.VULKAN
    (tmp_path / bootstrap.ACCELERATOR_NOTE).write_text("abacus")
    assert bootstrap.installed_accelerator(tmp_path) is bootstrap.Accelerator.CPU


@pytest.mark.skipif(sys.platform == "win32", reason="a shell script")
def test_an_environment_for_a_gpu_compiles_llama_cpp_once_and_not_from_pips_cache(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scripts = tmp_path / "venv" / "bin"
    scripts.mkdir(parents=True)
    _make_tool(scripts, "python")
    steps: list[tuple[str, list[str], str]] = []

    def run_step(
        title: str, command: list[str], log: Path, advice: str, *environment: dict[str, str]
    ) -> None:
        lock = Path(command[-1])
        steps.append((title, command, lock.read_text() if lock.is_file() else ""))

    monkeypatch.setattr(bootstrap, "run_step", run_step)
    venv = tmp_path / "venv"
    bootstrap.install(venv, bootstrap.Accelerator.CUDA, developer=False)
    (others, first, locked), (build, second, only), _ = steps
    assert others == "installing dependencies"
    assert build == "building llama.cpp for CUDA"
    assert "llama-cpp-python" not in locked
    assert "pygls==" in locked
    assert only.startswith("llama-cpp-python==")
    assert "--no-cache-dir" in first
    assert "--no-cache-dir" in second
    steps.clear()
    (venv / ".postil-requirements").unlink()  # a newer lock file
    bootstrap.install(venv, bootstrap.Accelerator.CUDA, developer=False)
    (_, again, locked), _ = steps
    assert "llama-cpp-python==" in locked
    assert "--no-cache-dir" in again


def test_what_the_user_tells_cmake_comes_last_and_counts() -> None:
    told = bootstrap.build_environment(
        bootstrap.Accelerator.ROCM, {"CMAKE_ARGS": "-DAMDGPU_TARGETS=gfx1100"}
    )
    assert told == {"CMAKE_ARGS": "-DLLAVA_BUILD=OFF -DGGML_HIP=ON -DAMDGPU_TARGETS=gfx1100"}
    plain = bootstrap.build_environment(bootstrap.Accelerator.CPU, {})
    assert plain == {"CMAKE_ARGS": "-DLLAVA_BUILD=OFF"}
