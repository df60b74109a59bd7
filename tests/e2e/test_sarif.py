"""What `postil review --sarif` writes, read by the validator of those who wrote the format."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from tests.e2e.setup_editors import FOLDER, why_missing
from tests.lsp.test_doctor import postil
from tests.lsp.test_review_command import THOUGHT, bug, make_changed_shop, scripted

MULTITOOL = FOLDER / "sarif/node_modules/@microsoft/sarif-multitool-linux/Sarif.Multitool"

pytestmark = [
    pytest.mark.editor,
    pytest.mark.skipif(bool(why_missing("sarif")), reason=why_missing("sarif")),
]


NO_HOME_PAGE = "SARIF2005"  # Postil has none that a machine without network could reach


def validated(log: Path) -> str:
    """Errors and warnings alone."""
    MULTITOOL.chmod(0o755)
    done = subprocess.run(
        [MULTITOOL, "validate", log],
        env={
            **os.environ,
            "DOTNET_SYSTEM_GLOBALIZATION_INVARIANT": "1",
            "DOTNET_BUNDLE_EXTRACT_BASE_DIR": str(log.parent / "net"),
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert "1 files scanned" in done.stdout, done.stdout + done.stderr
    lines = done.stdout.splitlines()
    told = [line for line in lines if ": error" in line or ": warning" in line]
    return "\n".join(line for line in told if NO_HOME_PAGE not in line)


def test_a_review_is_valid_sarif(tmp_path: Path) -> None:
    root = make_changed_shop(tmp_path)
    arguments = ("review", "-w", str(root), "--since", "main", "--most", "1", "--sarif")
    done = postil(*arguments, **scripted(tmp_path, THOUGHT, bug(3)))
    assert done.returncode == 0, done.stderr
    assert "1 not" in done.stdout, "what was not read is a notification"
    log = tmp_path / "review.sarif"
    log.write_text(done.stdout)
    assert validated(log) == ""


def test_the_validator_would_say_so(tmp_path: Path) -> None:
    log = tmp_path / "bad.sarif"
    log.write_text('{"version": "2.1.0", "runs": [{"tool": {"driver": {"nam": "x"}}}]}')
    assert "nam" in validated(log)
