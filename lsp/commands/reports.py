"""The report that a user gives on the command line: a file, a pipe, stdin, or the words themselves.

Of a log of any size only both ends are held, which is where context/report.py reads.
"""

from __future__ import annotations

import codecs
import re
import sys
from pathlib import Path
from typing import BinaryIO

from context.report import EmptyReport
from lsp.commands.console import complain, err

END_BYTES = 400_000  # of each end; an even number: more than 50,000 characters in any encoding
MAX_NAME = 4_096  # characters; no system has longer paths
_PATH_LIKE = re.compile(r"[^\s/\\]*(?:[/\\]\S+|\.[A-Za-z]\w{0,4})")
_UTF_16 = {codecs.BOM_UTF16_LE: "utf-16-le", codecs.BOM_UTF16_BE: "utf-16-be"}


def read_report_argument(report: str) -> str:
    """`-` is stdin, the name of a file or pipe is its content, anything else the report itself.

    Raises `EmptyReport` for a whole path where nothing can be read.
    """
    if report == "-":
        if sys.stdin.isatty():
            err.print("postil: type or paste the report, then end with Ctrl-D")
        return read_ends(sys.stdin.buffer)
    if _is_file(report):
        try:
            with Path(report).open("rb") as file:
                return read_ends(file)
        except OSError as error:
            raise EmptyReport(f"{report} cannot be read ({error.strerror}).") from error
    if report.startswith(("/", "./", "../", "~/")) and not re.search(r"\s", report):
        raise EmptyReport(f"There is no file {report}; name a file, or give the report as text.")
    if len(report) < MAX_NAME and _PATH_LIKE.fullmatch(report):
        complain(f"there is no file {report} here, so this is taken for the report itself")
    return report


def read_ends(stream: BinaryIO) -> str:
    """All of a stream, or its first and last `END_BYTES` with a line break between.

    UTF-16 with its mark, as Windows PowerShell writes files, else UTF-8.
    """
    head, tail, n_bytes = stream.read(END_BYTES), b"", 0
    while piece := stream.read(END_BYTES):
        n_bytes += len(piece)
        tail = (tail + piece)[-END_BYTES:]
    n_left_out = n_bytes - len(tail)
    codec = _UTF_16.get(head[:2])
    if codec is None:
        mark, codec, broken = codecs.BOM_UTF8, "utf-8", 0
    else:
        mark, broken = head[:2], n_left_out % 2
    head = head.removeprefix(mark)
    if not n_left_out:
        return (head + tail).decode(codec, "replace")
    return f"{head.decode(codec, 'replace')}\n{tail[broken:].decode(codec, 'replace')}"


def _is_file(report: str) -> bool:
    """Or a pipe, or a device such as /dev/stdin."""
    try:
        return len(report) < MAX_NAME and Path(report).exists() and not Path(report).is_dir()
    except (OSError, ValueError):
        return False  # not a name that this system can have
