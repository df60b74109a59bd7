"""The installer as a user meets it: alone, on machines that lack something, refused half-way."""

from __future__ import annotations

import dataclasses
import json
import platform
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from lsp.bundle import installer
from lsp.bundle.installer import InstallFailed, Manifest, check_machine
from lsp.cli import app
from lsp.settings import models_folder
from tests.lsp.bundle.crafting import SOUND, Member, key_files, manifest, sound, write

HERE = ".".join(map(str, sys.version_info[:2]))
FITTING = Manifest("0.1.0", installer.this_platform(), HERE, "", "2026-01-01T00:00:00Z", ())


def run_alone(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """A copy of the installer, with a Python that sees the standard library and nothing else."""
    script = folder / "postil-install.py"
    shutil.copyfile(installer.__file__, script)
    return subprocess.run(
        [sys.executable, "-I", "-S", str(script), *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_installer_verifies_alone(tmp_path: Path) -> None:
    private, public = key_files(tmp_path)
    sound(tmp_path / "b", key=private)
    done = run_alone(tmp_path, "verify", "b", "--key", public.name)
    assert (done.returncode, done.stdout[:24]) == (0, "sound: Postil 0.1.0 for ")
    public.unlink()
    private.unlink()
    _, other = key_files(tmp_path)
    done = run_alone(tmp_path, "verify", "b", "--key", other.name)
    assert done.returncode == 3
    assert done.stderr.startswith("postil-install: The bundle is not signed with this key")
    assert done.stderr.count("\n") == 1


def test_the_command_says_the_same_as_the_installer_alone(tmp_path: Path) -> None:
    private, public = key_files(tmp_path)
    bundle = sound(tmp_path / "b", key=private)
    result = CliRunner().invoke(app, ["bundle", "verify", str(bundle), "--key", str(public)])
    assert (result.exit_code, result.stdout[:7]) == (0, "sound: ")
    bundle.write_bytes(bundle.read_bytes()[:300])
    result = CliRunner().invoke(app, ["bundle", "verify", str(bundle), "--key", str(public)])
    assert result.exit_code == 3
    assert "The bundle ends too early; copy it again." in result.stderr


def test_a_bundle_that_is_not_there_is_named(tmp_path: Path) -> None:
    _, public = key_files(tmp_path)
    done = run_alone(tmp_path, "install", "none.bundle", "--key", public.name, "--to", "x")
    assert done.returncode == 3
    assert "none.bundle cannot be read (No such file or directory)" in done.stderr


def check_nothing_left(tmp_path: Path, files: dict[str, bytes], why: str) -> None:
    private, public = key_files(tmp_path)
    bundle = tmp_path / "b"
    said = manifest(files, python=HERE)
    write(bundle, said, [Member(p, d) for p, d in files.items()], private)
    before = {path.name for path in tmp_path.iterdir()}
    with pytest.raises(installer.BundleError, match=why):
        installer.install(bundle, public, tmp_path / "to")
    assert {path.name for path in tmp_path.iterdir()} == before


def test_a_bundle_without_pip_leaves_nothing(tmp_path: Path) -> None:
    check_nothing_left(tmp_path, SOUND, "no pip wheel")


def test_a_failure_while_installing_packages_leaves_nothing(tmp_path: Path) -> None:
    files = SOUND | {"wheels/pip-1.0-py3-none-any.whl": b"not a wheel"}
    check_nothing_left(tmp_path, files, "Installing the packages failed: ")


def test_a_wrong_digest_leaves_nothing(tmp_path: Path) -> None:
    private, public = key_files(tmp_path)
    members = [Member(path, data[::-1]) for path, data in SOUND.items()]
    bundle = write(tmp_path / "b", manifest(SOUND, python=HERE), members, private)
    with pytest.raises(installer.BundleRefused, match="is not what was signed"):
        installer.install(bundle, public, tmp_path / "deep" / "to")
    assert [*(tmp_path / "deep").iterdir()] == []


def test_a_folder_that_is_there_is_left_alone(tmp_path: Path) -> None:
    private, public = key_files(tmp_path)
    bundle = sound(tmp_path / "b", key=private)
    (tmp_path / "to").mkdir()
    with pytest.raises(InstallFailed, match="there already; move it away"):
        installer.install(bundle, public, tmp_path / "to")
    if sys.platform != "win32":
        (tmp_path / "link").symlink_to(tmp_path / "nowhere")
        with pytest.raises(InstallFailed, match="there already"):
            installer.install(bundle, public, tmp_path / "link")


def test_too_little_room_is_said_before_anything_is_written(tmp_path: Path) -> None:
    with pytest.raises(InstallFailed, match=r"1000000\.00 GB are needed; name a folder on another"):
        installer._staging(tmp_path / "to", 10**15)
    assert [*tmp_path.iterdir()] == []


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(InstallFailed, match=r"cannot be written .*another folder with --to"):
        installer._staging(tmp_path / "file" / "to", 0)


def test_a_fitting_machine_passes() -> None:
    check_machine(FITTING)


def test_another_platform_python_or_c_library_is_named_with_what_to_do() -> None:
    with pytest.raises(InstallFailed, match=r"for plan9-vax and this machine is .* --platform"):
        check_machine(dataclasses.replace(FITTING, platform="plan9-vax"))
    with pytest.raises(InstallFailed, match=r"CPython 3\.99 and this is .*python3\.99, or have"):
        check_machine(dataclasses.replace(FITTING, python="3.99"))
    with pytest.raises(InstallFailed, match=r"needs glibc 2\.999 .*made on an older system"):
        check_machine(dataclasses.replace(FITTING, glibc="2.999"))


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="there is no glibc to compare with")
def test_versions_of_glibc_are_compared_as_numbers() -> None:
    check_machine(dataclasses.replace(FITTING, glibc="2.4"))


@pytest.mark.skipif(sys.platform == "win32", reason="a shell script")
def test_the_command_finds_its_python_whatever_the_folder_is_called(tmp_path: Path) -> None:
    to = tmp_path / 'it\'s "here" $HOME'
    python = to / "venv" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.write_text('#!/bin/sh\nprintf "%s\\n" "$@"\n')
    python.chmod(0o755)
    script = tmp_path / "postil"
    script.write_text(installer.launcher_text(to))
    done = subprocess.run(
        ["sh", str(script), "locate", "a b"], capture_output=True, text=True, check=True
    )
    assert done.stdout == "-P\n-m\nlsp\nlocate\na b\n"


def test_weights_that_came_with_the_environment_are_the_default(tmp_path: Path) -> None:
    assert models_folder(tmp_path).name == "models"
    assert not models_folder(tmp_path).is_relative_to(tmp_path)
    bundled = tmp_path / "share" / "postil" / "models"
    bundled.mkdir(parents=True)
    assert models_folder(tmp_path) == bundled


def test_each_editor_is_told_how_to_go_on(tmp_path: Path) -> None:
    (tmp_path / "editors" / "nvim").mkdir(parents=True)
    (tmp_path / "editors" / "vscode").mkdir()
    (tmp_path / "editors" / "vscode" / "postil-0.1.0.vsix").write_bytes(b"")
    said = "\n".join(installer.next_steps(tmp_path))
    command = str(tmp_path / "bin" / "postil")
    assert f"{command} demo" in said
    assert "require('postil').setup({ cmd = { \"" in said
    assert f"code --install-extension {tmp_path / 'editors/vscode/postil-0.1.0.vsix'}" in said
    assert f'"postil.server_command": [{json.dumps(command)}, "serve"]' in said
    assert f"{command} serve" in said


def test_a_folder_of_any_name_is_named_so_that_lua_and_json_read_it(tmp_path: Path) -> None:
    to = tmp_path / 'jörg "x" 日本'
    for name in ("nvim", "vscode"):
        (to / "editors" / name).mkdir(parents=True)
    (to / "editors" / "vscode" / "postil.vsix").touch()
    said = "\n".join(installer.next_steps(to))
    (lua,) = re.findall(r"cmd = \{ (.*) \} \}\)", said)
    assert lua == f'"{tmp_path}/jörg \\"x\\" 日本/bin/postil", "serve"'
    (listed,) = re.findall(r'"postil.server_command": (.*)', said)
    assert json.loads(listed) == [str(to / "bin" / "postil"), "serve"]


def test_under_windows_editors_start_python_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "editors" / "nvim").mkdir(parents=True)
    monkeypatch.setattr(installer.os, "name", "nt")
    command = installer.server_command(tmp_path)
    monkeypatch.undo()
    assert command[0].endswith("python.exe")
    assert command[1:] == ["-P", "-m", "lsp", "serve"]


def test_where_the_extra_is_missing_the_command_says_how_to_get_it(tmp_path: Path) -> None:
    code = "import sys; sys.modules['cryptography'] = None; from lsp.cli import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", code, "bundle", "key", "--out", str(tmp_path / "k")],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 3
    assert "making bundles needs cryptography; run pip install -e '.[bundle]'" in done.stderr


def test_bad_options_of_make_are_bad_use(tmp_path: Path) -> None:
    arguments = ["bundle", "make", "--out", str(tmp_path / "b"), "--key", str(tmp_path / "k")]
    for wrong, why in (
        (["--accelerator", "tpu"], "tpu is none of cpu, cuda, metal, vulkan, rocm"),
        (["--licence", "qwen"], "qwen is not NAME=FILE"),
    ):
        result = CliRunner().invoke(app, [*arguments, "--model", "none", *wrong])
        assert result.exit_code == 2
        assert why in " ".join(result.stderr.replace("│", " ").split())
    result = CliRunner().invoke(app, [*arguments, "--model", "none"])
    assert result.exit_code == 3
    assert "make one with `postil bundle key`" in result.stderr
