"""The air-gap bundle with its own build of llama.cpp: times, sizes, and what a repository may not.

    python tests/bench/bundle.py                        # the 0.5B
    python tests/bench/bundle.py --model qwen2.5-coder-1.5b --effort normal

Builds llama.cpp for many processors where that is not in the user's cache yet (10 to 15 minutes on
2 cores), makes the bundle twice, carries it into an empty network namespace, installs it as a user
who owns nothing, and runs the demo there. Linux; needs a C compiler for the hostile library.
"""

from __future__ import annotations

import argparse
import hashlib
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent.parent))

from tests.e2e.carried import CleanMachine, Ran, clean_machine, postil, python
from tests.models.weights import SMALL

HOSTILE = """
#include <stdio.h>
__attribute__((constructor)) static void hit(void) { puts("CANARY"); fflush(stdout); }
int ggml_backend_score(void) { return 1000000; }
"""
LOADED = "import llama_cpp; llama_cpp.llama_supports_gpu_offload()"
OURS = "from models.backends.llama_cpp import LIBRARIES, load_backends; load_backends(LIBRARIES); "


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else "")
    parser.add_argument("--model", default=SMALL)
    parser.add_argument("--effort", default="quick", help="of the demo: quick, normal or deep")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="postil-bundle-bench-") as name:
        folder = Path(name)
        made = make(folder, options.model)
        machine = clean_machine(folder / "clean", made)
        folder.chmod(0o755)
        to = install(machine)
        demo = shown("demo", machine.run(
            "env", f"POSTIL_EFFORT={options.effort}", str(to / "bin" / "postil"), "demo"
        ))  # fmt: skip
        print(demo.output[-1_500:])
        return hostile_folder(machine, to)


def make(folder: Path, model: str) -> Sequence[Path]:
    """The files to carry: bundle, installer, key. The second bundle must have the same bytes."""
    shown("key", postil("bundle", "key", "--out", "acme.key", cwd=folder))
    digests = []
    for out in ("postil.bundle", "again.bundle"):
        made = postil(
            "bundle", "make", "--out", out, "--key", "acme.key", "--model", model, cwd=folder,
            SOURCE_DATE_EPOCH="1767225600",
        )  # fmt: skip
        shown("make", made)
        with (folder / out).open("rb") as archive:
            digests.append(hashlib.file_digest(archive, "sha256").hexdigest())
    same = "the same bytes" if digests[0] == digests[1] else "DIFFERENT bytes"
    print(f"two bundles of the same: {same}; {(folder / 'postil.bundle').stat().st_size:,} bytes")
    return [folder / name for name in ("postil.bundle", "postil-install.py", "acme.key.pub")]


def install(machine: CleanMachine) -> Path:
    to, key = machine.home / "postil", ("--key", "acme.key.pub")
    script = (python(), "postil-install.py")
    shown("verify", machine.run(*script, "verify", "postil.bundle", *key))
    shown("install", machine.run(*script, "install", "postil.bundle", *key, "--to", str(to)))
    size = sum(p.stat().st_size for p in to.rglob("*") if p.is_file() and not p.is_symlink())
    print(f"installed: {size:,} bytes")
    return to


def hostile_folder(machine: CleanMachine, to: Path) -> int:
    """A library named like a backend in the current folder: llama.cpp by itself runs it."""
    library = machine.carried / "libggml-cpu-hostile.so"
    subprocess.run(
        ["cc", "-shared", "-fPIC", "-x", "c", "-", "-o", str(library)],
        input=HOSTILE, text=True, check=True,
    )  # fmt: skip
    interpreter = str(to / "venv" / "bin" / "python")
    control = machine.run(interpreter, "-P", "-c", LOADED)
    ours = machine.run(interpreter, "-P", "-c", OURS + LOADED)
    print(f"llama.cpp alone runs a library of the current folder: {'CANARY' in control.output}")
    print(f"Postil has it run: {'CANARY' in ours.output}")
    return 0 if ours.code == 0 and "CANARY" not in ours.output else 3


def shown(title: str, ran: Ran) -> Ran:
    print(f"{title}: {ran.seconds:.1f} s")
    if ran.code:
        sys.exit(f"{title} failed ({ran.code}):\n{ran.output}")
    return ran


if __name__ == "__main__":
    sys.exit(main())
