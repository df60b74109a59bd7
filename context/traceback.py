"""Read stack frames out of the lines of a report: one table of formats, one entry a runtime.

Knows Python (plain, IPython, pytest), JavaScript (V8, SpiderMonkey), Java and Kotlin, C#, Go, Rust,
Ruby, PHP, Lua, Swift, and C/C++ (gdb, lldb, sanitizers). A frame's `order` counts from the
innermost call, 0, of its own trace, whichever way round the runtime prints them.
"""

from __future__ import annotations

import heapq
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
    """Frames in the order in which the report prints them, at most MAX_FRAMES: the innermost."""
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
    frames = list(_ordered(found))
    kept = heapq.nsmallest(MAX_FRAMES, range(len(frames)), key=lambda at: frames[at].order)
    return tuple(frames[at] for at in sorted(kept))


_MAX_GAP = 40  # lines of source or locals that IPython and pytest print between two frames
_TRACE_STARTS = re.compile(
    r"Traceback \(most recent call last|^goroutine \d|^\s*Caused by:"
    r"|^\s*--- End of inner exception stack trace"
)
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

_PATH = r"(?:[A-Za-z]:)?[^\s:]{1,400}"
_ROOTED = r"(?:[A-Za-z][\w-]{0,20}:[\\/]{1,3}|/)"  # such a path may have spaces and brackets in it
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
        re.compile(rf"^\s*File (?P<path>{_PATH}):(?P<line>\d{{1,7}}), in (?P<fn>[\w.<>]{{1,200}})"),
    ),
    ("python", " in ", re.compile(r"^(?P<path>\S{1,400}\.pyx?) in (?P<fn>[\w.<>]{1,200})")),
    (
        "python",
        ": ",
        re.compile(
            rf"^(?P<path>{_PATH}\.py):(?P<line>\d{{1,7}}): "
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
        "csharp",
        ":line ",
        re.compile(
            r"^\s*at (?P<fn>[\w.`<>+\[\],$|]{1,300})\([^\n]{0,400}?\) "
            r"in (?P<path>[^\n]{1,400}?):line (?P<line>\d{1,7})"
        ),
    ),
    (
        "javascript",
        "at ",
        re.compile(
            r"^\s*at (?:async )?(?:new )?(?P<fn>[\w.$<>#]{1,200})(?: \[as [\w$.]{1,80}\])? "
            rf"\((?P<path>[^()\s]{{1,400}}|{_ROOTED}[^\n]{{1,400}}?):(?P<line>\d{{1,7}}):\d{{1,7}}\)"
        ),
    ),
    (
        "javascript",
        "at ",
        re.compile(
            rf"^\s*at (?:async )?(?P<path>(?:[^()\s]{{1,400}}|{_ROOTED}[^\n]{{1,400}}?)"
            r"\.[cm]?[jt]sx?):(?P<line>\d{1,7}):\d{1,7}$"
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
        re.compile(rf"^\s+at (?P<path>{_PATH}\.rs):(?P<line>\d{{1,7}})(?::\d{{1,7}})?"),
    ),
    (
        "rust-panic",
        "panicked at ",
        re.compile(
            r"panicked at (?:'[^\n]{0,400}', )?"
            r"(?P<path>(?:[A-Za-z]:)?[^\s':]{1,400}\.rs):(?P<line>\d{1,7})"
        ),
    ),
    (
        "go",
        ".go:",
        re.compile(r"^\s+(?P<path>\S{1,400}\.go):(?P<line>\d{1,7})(?: \+0x[0-9a-f]+)?$"),
    ),
    (
        "ruby",
        ":in ",
        re.compile(
            rf"(?:^|\s)(?P<path>{_PATH}):(?P<line>\d{{1,7}}):in [`'](?P<fn>[^`'\n]{{1,200}})'"
        ),
    ),
    (
        "php",
        "): ",
        re.compile(
            r"^\s*#\d{1,4} (?P<path>(?:[A-Za-z]:)?[^:()\n]{1,400}\.\w{1,6})\((?P<line>\d{1,7})\): "
        ),
    ),
    (
        "php",
        ".php",
        re.compile(
            r"(?<!thrown)(?: in | at )(?P<path>(?:[A-Za-z]:)?[^\s:()]{1,400}\.php)"
            r"(?::| on line )(?P<line>\d{1,7})\b"
        ),
    ),
    (
        "lua",
        ": in ",
        re.compile(
            rf"^\s+(?P<path>{_PATH}):(?P<line>\d{{1,7}}): in "
            r"(?:(?:function|local|method|upvalue|field|global) (?:'(?P<fn>[\w.:]{1,200})'|<)"
            r"|main chunk)"
        ),
    ),
    (
        "swift",
        ".swift:",
        re.compile(
            r"^\s*\d{1,4}(?: \[\w{1,20}\]){0,3}(?: +0x[0-9a-f]+)? +(?:closure #\d{1,4} in ){0,9}"
            r"(?P<fn>[\w.$<>]{1,200})[^\n]{0,400}? at "
            r"(?P<path>[^:\n]{1,400}?\.swift):(?P<line>\d{1,7})"
        ),
    ),
    (
        "swift-trap",
        "Fatal error",
        re.compile(rf"^(?P<path>{_PATH}\.swift):(?P<line>\d{{1,7}}): Fatal error"),
    ),
    (
        "swift-trap",
        "atal error",
        re.compile(
            r"atal error: .{0,400}: file (?P<path>\S{1,400}\.swift), line (?P<line>\d{1,7})"
        ),
    ),
    (
        "native",
        "#",
        re.compile(
            r"^[\s*]*frame #\d{1,4}: 0x[0-9a-f]+ [^\s`]{1,200}`(?P<fn>[\w:~<>$.]{1,200})"
            rf"[^\n]{{0,400}}? at (?P<path>{_PATH}):(?P<line>\d{{1,7}})"
        ),
    ),
    (
        "native",
        "#",
        re.compile(
            r"^\s*#\d{1,4}\s+(?:0x[0-9a-f]+ in )?(?P<fn>[\w:~<>$.]{1,200})"
            rf"[^\n]{{0,400}}? at (?P<path>{_PATH}):(?P<line>\d{{1,7}})"
        ),
    ),
    (
        "native",
        "#",
        re.compile(
            r"^\s*#\d{1,4}\s+0x[0-9a-f]+ in (?P<fn>[\w:~<>$.]{1,200})[^\n]{0,400}? "
            r"(?P<path>(?:[A-Za-z]:)?[^\s:()]{1,400}\.\w{1,4}):(?P<line>\d{1,7})"
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
        elif runtime == "csharp" and function:
            function = _csharp(function)
        elif runtime == "php":
            function = _php_function_below(lines, idx)
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


_CSHARP_MADE = re.compile(r"<+(\w+)>\$?[^.]*(?:\.MoveNext)?$")  # of an async method, a lambda
_CSHARP_GENERIC = re.compile(r"`\d{1,3}|\[[^\[\]]*\]")


def _csharp(function: str) -> str:
    """``Box`1.<Load>d__3.MoveNext`` is Box.Load; `Cart..ctor` is Cart.Cart, as the code has it."""
    if found := _CSHARP_MADE.search(function):
        function = function[: found.start()].replace("<>c.", "") + found[1]
    function = _CSHARP_GENERIC.sub("", function).replace("+", ".")
    owner, is_constructor, _ = function.partition("..c")  # .ctor, .cctor
    return f"{owner}.{owner.rpartition('.')[2]}" if is_constructor else function


_PHP_CALLED = re.compile(
    r"^\s*#\d{1,4} [^\n]{1,400}?(?:\(\d{1,7}\)|\]): (?P<fn>[\w\\:>-]{1,300})\("
)


def _php_function_below(lines: list[str], idx: int) -> str | None:
    """PHP names with each call the place that it was made from: whose line it is, the next says."""
    below = lines[idx + 1 : idx + 3]
    if below and not below[0].lstrip().startswith("#"):
        del below[0]  # "Stack trace:" after the message
    if not below or len(below[0]) > MAX_LINE:
        return None
    found = _PHP_CALLED.match(below[0])
    return found["fn"] if found else None


def _arrow_line(lines: list[str], idx: int) -> str | None:
    """IPython marks the line it stopped at with an arrow, a few lines below the head."""
    for line in lines[idx + 1 : idx + 12]:
        if found := re.match(r"^-+> ?(\d{1,7})", line):
            return found.group(1)
    return None


_GENERIC = re.compile(r"<[^<>]{0,200}>")
_HASH_TAIL = re.compile(r"::h[0-9a-f]{16}$")
_RUBY_BLOCK = re.compile(r"^(?:(?:block|rescue|ensure)(?: \(\d{1,4} levels\))? in ){1,9}")


def _clean_function(function: str) -> str | None:
    """Dotted, without generics, closures and receivers that say nothing."""
    function = _RUBY_BLOCK.sub("", _HASH_TAIL.sub("", function))
    if function.startswith("<") and function.endswith(">"):
        return None  # <module>, <lambda>, <anonymous>
    for _ in range(3):
        function = _GENERIC.sub("", function)
    parts = [p for p in re.split(r"->|::?|[.#/\\]", function) if p and not p.startswith("{")]
    parts = [p for p in parts if p not in ("Object", "Module", "exports", "<locals>", "async*")]
    return ".".join(p.strip() for p in parts) or None
