"""The whole test suite where no network can be reached, once the weights are there.

python tests/bench/offline_suite.py [pytest's arguments]    # tests and options; -q by default

First the positive controls: attempts to connect that arrive outside and must be stopped inside, or
the run proves nothing and ends with 4. The network inside is empty but for its own loopback, since
some tests start servers on it. Tests that need privileges which a user namespace does not give fail
there rather than being left out. Only those that make an air-gap bundle are (marker `bundle`): a
bundle is made where there is a package registry, and their own harness installs it without one.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT))

from lsp.offline.controls import run_controls  # noqa: E402
from lsp.offline.enter import Way, command_in  # noqa: E402
from lsp.offline.proof import why_cannot  # noqa: E402
from tests.models.weights import small_model  # noqa: E402

NOT_PROVEN = 4
INSIDE = "import json; from lsp.offline.enter import interfaces; print(json.dumps(interfaces()))"


def main() -> int:
    small_model()  # says which command gets the weights, where they are missing
    way = Way.NETNS_LOOPBACK
    if why_not := why_cannot(way):
        print(f"no empty network namespace here: {why_not}")
        return NOT_PROVEN
    os.environ["PYTHONPATH"] = str(ROOT)
    controls = run_controls(lambda command: command_in(way, command))
    for control in controls:
        where = "arrives outside, " if control.arrived_outside else ""
        said = "ARRIVES INSIDE" if control.arrived_inside else control.error_inside or "lost"
        print(f"{'ok ' if control.is_good else 'BAD'} {control.name}: {where}inside: {said}")
    if not all(control.is_good for control in controls):
        print("the harness does not stop connections: nothing would be proven")
        return NOT_PROVEN
    seen = subprocess.run(
        command_in(way, [sys.executable, "-P", "-c", INSIDE]),
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    print(f"interfaces inside: {', '.join(json.loads(seen.stdout))}", flush=True)
    command = [sys.executable, "-m", "pytest", "-m", "not bundle", *(sys.argv[1:] or ["-q"])]
    return subprocess.run(command_in(way, command), cwd=ROOT, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
