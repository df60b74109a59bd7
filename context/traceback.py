"""Read stack frames out of the lines of a report: one table of formats, one entry a runtime.

Knows Python (plain, IPython, pytest), JavaScript (V8, SpiderMonkey), Java and Kotlin, Go, Rust, and
C/C++ (gdb, sanitizers). A frame's `order` counts from the innermost call, 0, of its own trace,
whichever way round the runtime prints them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

MAX_LINE = 1_000  # a longer line is not a frame
MAX_FRAMES = 400


@dataclass(frozen=True, slots=True)
class Frame:
    path: str  # as printed, with /; for Java, the package's folder and the file name
    line: int | None  # 1-based
    function: str | None  # as printed, dotted: "Outer.name" or "name"
    order: int  # 0 is the innermost call of its trace
    trace: int  # 0 is the first trace of the report


def read_frames(lines: list[str]) -> tuple[Frame, ...]:
    """Frames in the order in which the report prints them, at most MAX_FRAMES."""
    found: list[tuple[Frame, str]] = []  # with the runtime that printed it
    trace, gap = 0, 0
    for idx, line in enumerate(lines):
        if len(line) > MAX_LINE:
            continue
        if _TRACE_STARTS.search(line):
            trace += bool(found)
            gap = 0
        hit = _frame_at(lines, idx)
        if hit is None:
            gap += 1
            continue
        if found and (gap > _MAX_GAP or found[-1][1] != hit[1]) and found[-1][0].trace == trace:
            trace += 1
        gap = 0
        frame, runtime = hit
        found.append((replace(frame, trace=trace), runtime))
        if len(found) == MAX_FRAMES:
            break
    return tuple(_ordered(found))


_MAX_GAP = 40  # lines of source or locals that IPython and pytest print between two frames
_TRACE_STARTS = re.compile(r"Traceback \(most recent call last|^goroutine \d|^\s*Caused by:")
_LAST_IS_INNERMOST = frozenset({"python"})


def _ordered(found: list[tuple[Frame, str]]) -> Iterator[Frame]:
    sizes: dict[int, int] = {}
    for frame, _ in found:
        sizes[frame.trace] = sizes.get(frame.trace, 0) + 1
    seen: dict[int, int] = {}
    for frame, runtime in found:
        at = seen.get(frame.trace, 0)
        seen[frame.trace] = at + 1
        last = sizes[frame.trace] - 1
        yield replace(frame, order=last - at if runtime in _LAST_IS_INNERMOST else at)


# Every pattern is tried only where its marker stands in the line. Groups: path, line, function.

_FORMATS: tuple[tuple[str, str, re.Pattern[str]], ...] = (
    (
        "python",
        'File "',
        re.compile(
            r'File "(?P<path>[^"]{1,400})", line (?P<line>\d{1,7})(?:, in (?P<fn>\S{1,200}))?'
        ),
    ),
    (
        "python",
        "File ",
        re.compile(
            r"^\s*File (?P<path>[^\s:]{1,400}):(?P<line>\d{1,7}), in (?P<fn>[\w.<>]{1,200})"
        ),
    ),
    ("python", " in ", re.compile(r"^(?P<path>\S{1,400}\.pyx?) in (?P<fn>[\w.<>]{1,200})")),
    (
        "python",
        ": ",
        re.compile(
            r"^(?P<path>[^\s:]{1,400}\.py):(?P<line>\d{1,7}): "
            r"(?:in (?P<fn>[\w.<>]{1,200})|[A-Z]\w{1,100}$)"
        ),
    ),
    (
        "java",
        "at ",
        re.compile(
            r"^\s*(?:at )(?:[\w.$-]{1,80}/{1,2})?(?P<fn>[\w.$<>]{1,300})"
            r"\((?P<path>[\w$-]{1,100}\.(?:java|kt|scala|groovy))(?::(?P<line>\d{1,7}))?\)"
        ),
    ),
    (
        "javascript",
        "at ",
        re.compile(
            r"^\s*at (?:async )?(?:new )?(?P<fn>[\w.$<>#]{1,200})(?: \[as [\w$.]{1,80}\])? "
            r"\((?P<path>[^()\s]{1,400}):(?P<line>\d{1,7}):\d{1,7}\)"
        ),
    ),
    (
        "javascript",
        "at ",
        re.compile(
            r"^\s*at (?:async )?(?P<path>[^()\s]{1,400}\.[cm]?[jt]sx?):(?P<line>\d{1,7}):\d{1,7}$"
        ),
    ),
    (
        "javascript",
        "@",
        re.compile(
            r"^\s*(?P<fn>[\w.$<>/]{0,200})@(?P<path>[^\s@]{1,400}):(?P<line>\d{1,7}):\d{1,7}$"
        ),
    ),
    (
        "rust",
        "at ",
        re.compile(r"^\s+at (?P<path>[^\s:]{1,400}\.rs):(?P<line>\d{1,7})(?::\d{1,7})?"),
    ),
    (
        "rust-panic",
        "panicked at ",
        re.compile(
            r"panicked at (?:'[^\n]{0,400}', )?(?P<path>[^\s':]{1,400}\.rs):(?P<line>\d{1,7})"
        ),
    ),
    (
        "go",
        ".go:",
        re.compile(r"^\s+(?P<path>\S{1,400}\.go):(?P<line>\d{1,7})(?: \+0x[0-9a-f]+)?$"),
    ),
    (
        "native",
        "#",
        re.compile(
            r"^\s*#\d{1,4}\s+(?:0x[0-9a-f]+ in )?(?P<fn>[\w:~<>$.]{1,200})"
            r"[^\n]{0,400}? at (?P<path>[^\s:]{1,400}):(?P<line>\d{1,7})"
        ),
    ),
    (
        "native",
        "#",
        re.compile(
            r"^\s*#\d{1,4}\s+0x[0-9a-f]+ in (?P<fn>[\w:~<>$.]{1,200})[^\n]{0,400}? "
            r"(?P<path>[^\s:()]{1,400}\.\w{1,4}):(?P<line>\d{1,7})"
        ),
    ),
)
_GO_FUNCTION = re.compile(r"^(?:created by )?(?P<fn>[\w./*()\[\]~-]{1,300})(?: in goroutine \d+)?$")
_GO_CLOSURE = re.compile(r"(?:\.func\d+|\.\d+)+$")
_RUST_FUNCTION = re.compile(r"^\s*\d{1,4}:\s+(?:0x[0-9a-f]+ - )?(?P<fn>[\w:<>${}& ]{1,300})$")
_DRIVE_OR_SCHEME = re.compile(r"^(?:file|webpack(?:-internal)?)://|^https?://[^/]*")


def _frame_at(lines: list[str], idx: int) -> tuple[Frame, str] | None:
    line = lines[idx]
    for runtime, marker, pattern in _FORMATS:
        if marker not in line:
            continue
        found = pattern.search(line)
        if found is None:
            continue
        groups = found.groupdict()
        path = _DRIVE_OR_SCHEME.sub("", groups["path"].replace("\\", "/")).partition("?")[0]
        number = groups.get("line")
        function = groups.get("fn")
        if runtime == "java" and function:
            path, function = _java(path, function)
        elif runtime in ("go", "rust") and idx:
            function = _function_above(lines[idx - 1], runtime)
        elif number is None:
            number = _arrow_line(lines, idx)
        clean = _clean_function(function) if function else None
        return Frame(path, int(number) if number else None, clean, 0, 0), runtime
    return None


def _java(file_name: str, function: str) -> tuple[str, str]:
    """`a.b.Outer$Inner.run` in `Outer.java` is `Outer.Inner.run` in a/b/Outer.java."""
    parts = function.split(".")
    packages = [p for p in parts[:-2] if p[:1].islower()]
    return "/".join([*packages, file_name]), ".".join(parts[len(packages) :]).replace("$", ".")


def _function_above(line: str, runtime: str) -> str | None:
    if len(line) > MAX_LINE:
        return None
    if runtime == "rust":
        found = _RUST_FUNCTION.match(line)
        return found.group("fn") if found else None
    if line.endswith(")"):  # the arguments, in the last brackets
        line = line[: line.rfind("(")]
    found = _GO_FUNCTION.match(line)
    if found is None:
        return None
    tail = found.group("fn").rpartition("/")[2].partition(".")[2]  # x/y/pkg.(*Type).Method
    return _GO_CLOSURE.sub("", tail.replace("(*", "").replace("(", "").replace(")", ""))


def _arrow_line(lines: list[str], idx: int) -> str | None:
    """IPython marks the line it stopped at with an arrow, a few lines below the head."""
    for line in lines[idx + 1 : idx + 12]:
        if found := re.match(r"^-+> ?(\d{1,7})", line):
            return found.group(1)
    return None


_GENERIC = re.compile(r"<[^<>]{0,200}>")
_HASH_TAIL = re.compile(r"::h[0-9a-f]{16}$")


def _clean_function(function: str) -> str | None:
    """Dotted, without generics, closures and receivers that say nothing."""
    function = _HASH_TAIL.sub("", function)
    if function.startswith("<") and function.endswith(">"):
        return None  # <module>, <lambda>, <anonymous>
    for _ in range(3):
        function = _GENERIC.sub("", function)
    parts = [p for p in re.split(r"::|\.|#|/", function) if p and not p.startswith("{")]
    parts = [p for p in parts if p not in ("Object", "Module", "exports", "<locals>", "async*")]
    return ".".join(p.strip() for p in parts) or None
