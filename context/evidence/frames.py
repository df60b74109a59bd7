"""Stack frames of the report that lie in the workspace; the innermost weighs most."""

from __future__ import annotations

from context.evidence import Evidence, Signal
from context.evidence.places import FileNames, function_at
from context.report import Report
from context.store import Reader

MAX_MATCHES = 3  # a file name that more files have says too little


def evidence(report: Report, reader: Reader, names: FileNames) -> list[Evidence]:
    found: list[Evidence] = []
    depth: dict[int, int] = {}  # frames inside the workspace, by trace
    for frame in sorted(report.frames, key=lambda f: (f.trace, f.order)):
        paths = names.ending_like(frame.path, frame.line)
        if not paths or len(paths) > MAX_MATCHES:
            continue
        at = depth.get(frame.trace, 0)
        depth[frame.trace] = at + 1
        for path in paths:
            symbol = function_at(reader, path, frame.line, frame.function)
            place = f"{path}, line {frame.line}" if frame.line else path
            where = "the innermost frame" if at == 0 else f"frame {at + 1} from the innermost"
            found.append(
                Evidence(
                    signal=Signal.FRAME,
                    path=path,
                    symbol=symbol.qualified_name if symbol else None,
                    line=frame.line,
                    strength=1.0 / (1 + at) / len(paths),
                    detail=f"{where} of the trace in this workspace: {place}"
                    + (f", in {frame.function}" if frame.function else ""),
                )
            )
    return found
