"""The process that carries out one refactoring: rope and parsers, over texts given or read.

Run as `python -P -m context.refactoring.process`, for one call. It gives up sockets, programs and
writing before it looks at anything, as the parsers do. This file is both sides: `run` starts it.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from context.child import Child, ChildDied, ChildError
from context.errors import ContextError, ParserUnavailable
from context.refactoring import Candidate, Carried, Refactoring, Refused, Target
from context.sandbox import Sockets, keep_writes_below, limit_resources, refuse_calls
from context.serving import Emit, die_with_parent, guard_stdout, serve

TIMEOUT_S = 60.0  # a guess: rope takes some seconds for a project of a thousand modules
MAX_MEMORY_BYTES = 4 * 1024**3  # a guess

CARRIED = TypeAdapter(Carried)
TARGET = TypeAdapter(Target)
CANDIDATES = TypeAdapter(list[Candidate])
_ASKED = TypeAdapter(Refactoring)


async def carry_out_apart(
    root: Path, files: Mapping[str, str], texts: Mapping[str, str], asked: Refactoring
) -> Carried:
    """Edits, planned in a process of its own.

    `files`: language by path; `texts`: open buffers by path. Raises `Refused`, `ParserUnavailable`.
    """
    params = _ASKED.dump_python(asked, mode="json")
    return CARRIED.validate_python(await _call("carry_out", root, files, texts, params))


async def target_apart(
    root: Path, files: Mapping[str, str], texts: Mapping[str, str], path: str, offset: int
) -> Target:
    """What stands at a place. Raises `Refused`, `ParserUnavailable`."""
    return TARGET.validate_python(await _call("target", root, files, texts, [path, offset]))


async def candidates_apart(
    root: Path, files: Mapping[str, str], texts: Mapping[str, str], path: str, first: int, last: int
) -> list[Candidate]:
    """Runs of statements of the function at lines that could be taken out, the longest first."""
    params = [path, first, last]
    return CANDIDATES.validate_python(await _call("candidates", root, files, texts, params))


async def _call(
    method: str, root: Path, files: Mapping[str, str], texts: Mapping[str, str], asked: Any
) -> Any:
    try:
        child = await Child.start("context.refactoring.process", name="refactoring")
    except OSError as error:
        raise ParserUnavailable(f"The refactoring process cannot be started ({error}).") from error
    params = {"root": str(root), "files": dict(files), "texts": dict(texts), "asked": asked}
    try:
        async with asyncio.timeout(TIMEOUT_S):
            return await child.call(method, params)
    except TimeoutError:
        raise Refused(
            f"This took more than {TIMEOUT_S:.0f} seconds; the workspace is too large."
        ) from None
    except ChildDied as error:
        raise ParserUnavailable("These files stop the refactoring process.") from error
    except ChildError as error:
        kind = Refused if error.kind == "Refused" else ContextError
        raise kind(str(error) if kind is Refused else f"Refactoring failed: {error}") from error
    finally:
        await child.kill()


def _carry_out(params: Any, emit: Emit, cancelled: threading.Event) -> Any:
    from context.refactoring.carry import carry_out

    del emit, cancelled
    asked = _ASKED.validate_python(params["asked"])
    return CARRIED.dump_python(carry_out(_sources(params), asked), mode="json")


def _target(params: Any, emit: Emit, cancelled: threading.Event) -> Any:
    from context.refactoring.carry import target_at

    del emit, cancelled
    return TARGET.dump_python(target_at(_sources(params), *params["asked"]), mode="json")


def _candidates(params: Any, emit: Emit, cancelled: threading.Event) -> Any:
    from context.refactoring.split import candidates

    del emit, cancelled
    return CANDIDATES.dump_python(candidates(_sources(params), *params["asked"]), mode="json")


def _sources(params: Any) -> Any:
    from context.refactoring.sources import Sources

    return Sources(Path(params["root"]), params["files"], params["texts"])


def main() -> None:
    wire = guard_stdout()
    die_with_parent()
    limit_resources(MAX_MEMORY_BYTES)
    keep_writes_below([])
    refuse_calls(Sockets.NONE)
    methods = {"carry_out": _carry_out, "target": _target, "candidates": _candidates}
    serve(methods, wire)


if __name__ == "__main__":
    main()
