"""The parser process: reads files and yields what the index keeps of each.

Run as `python -P -m context.parsing`. It has tree-sitter's native code in it, so it may crash or
hang on a file; the indexer notices, kills it and goes on (context/indexer.py).
"""

from __future__ import annotations

import os
import re
import stat
import threading
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from context.child import Emit, die_with_parent, guard_stdout, serve
from context.languages import Language, dialect, language_named
from context.outline import Outline, SymbolKind
from context.store import FILE_DOC
from context.terms import count_terms
from context.text import Text, encode, hash_bytes

MAX_FILE_BYTES = 4_000_000  # larger files are data; skipped and counted
MAX_TEXT_BYTES = 200_000  # of a file in a language that we have no grammar for
NAME_WEIGHT = 2  # how much more a word counts in a symbol's name; a guess
_PEP_263 = re.compile(rb"^[ \t\f]*#.*?coding[:=][ \t]*([-\w.]+)")


class Skipped(Exception):
    """This file is not indexed; the text is the reason that is counted."""


def read_source(root: Path, path: str) -> str:
    """Text of a regular file of the workspace. Raises `Skipped` with the reason otherwise."""
    flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
    try:
        descriptor = os.open(root / path, flags | getattr(os, "O_BINARY", 0))
    except OSError as error:
        raise Skipped("unreadable") from error
    with os.fdopen(descriptor, "rb") as file:
        status = os.fstat(file.fileno())
        if not stat.S_ISREG(status.st_mode):
            raise Skipped("special")
        if status.st_size > MAX_FILE_BYTES:
            raise Skipped("too large")
        try:
            return decode(file.read(MAX_FILE_BYTES + 1))
        except OSError as error:
            raise Skipped("unreadable") from error


def decode(source: bytes) -> str:
    """UTF-8 with or without a mark, else what a coding line says, else Latin-1, which always fits.

    Raises `Skipped` for a file with a NUL byte near its start.
    """
    if b"\0" in source[:8192]:
        raise Skipped("binary")
    try:
        return source.decode("utf-8-sig")
    except UnicodeDecodeError:
        pass
    for line in source[:400].split(b"\n")[:2]:
        if found := _PEP_263.match(line):
            try:
                return source.decode(found.group(1).decode("ascii"))
            except (LookupError, UnicodeDecodeError, ValueError):
                break
    return source.decode("latin-1")


def parse_text(content: str, language: Language | None) -> tuple[Outline, Mapping[int, Any]]:
    """The outline, and the terms of the whole file (-1) and of each function by its ordinal."""
    from context.syntax import MAX_PARSE_BYTES, outline

    source = encode(content)
    language = dialect(language, content) if language else None
    if language is None or len(source) > MAX_PARSE_BYTES:
        empty = Outline(language.name if language else "text", (), (), (), (), ())
        return empty, {FILE_DOC: count_terms(content)}
    found = outline(source, language)
    counts: dict[int, Counter[str]] = {FILE_DOC: count_terms(content)}
    for ordinal, symbol in enumerate(found.symbols):
        name_terms = count_terms(symbol.qualified_name.replace(".", " "))
        for term, count in name_terms.items():
            counts[FILE_DOC][term] += count * NAME_WEIGHT
        if symbol.kind is SymbolKind.FUNCTION:
            body = source[symbol.start_byte : symbol.end_byte].decode("utf-8", "replace")
            counts[ordinal] = count_terms(body)
            for term, count in name_terms.items():
                counts[ordinal][term] += count * NAME_WEIGHT
    return found, counts


def _parse_files(params: Any, emit: Emit, cancelled: threading.Event) -> None:
    """Parse {"root", "files": [[path, language or null], ...], "known": [hash]}; emit each."""
    root, known = Path(params["root"]), set(params["known"])
    for path, language_name in params["files"]:
        if cancelled.is_set():
            return
        emit({"starts": path})
        try:
            emit({"path": path, **_parse_file(root, path, language_name, known)})
        except Skipped as skipped:
            emit({"path": path, "skipped": str(skipped)})


def _parse_file(root: Path, path: str, language_name: str, known: set[str]) -> dict[str, Any]:
    content = read_source(root, path)
    language = language_named(language_name)
    if language is None and len(content) > MAX_TEXT_BYTES:
        raise Skipped("too large")
    content_hash = hash_bytes(encode(content) + b"\0" + language_name.encode())
    if content_hash in known:
        return {"hash": content_hash, "reused": True}
    return {"hash": content_hash, **_parsed(content, language)}


def _parsed(content: str, language: Language | None) -> dict[str, Any]:
    found, counts = parse_text(content, language)
    return {"outline": to_json(found), "counts": counts, "n_lines": Text(content).n_lines}


def _parse_text(params: Any, emit: Emit, cancelled: threading.Event) -> dict[str, Any]:
    del emit, cancelled
    content, language_name = params["text"], params["language"]
    content_hash = hash_bytes(encode(content) + b"\0" + language_name.encode())
    return {"hash": content_hash, **_parsed(content, language_named(language_name))}


def _problems(params: Any, emit: Emit, cancelled: threading.Event) -> list[list[Any]]:
    from context.syntax import problems

    del emit, cancelled
    language = language_named(params["language"])
    if language is None:
        return []
    found = problems(encode(params["text"]), dialect(language, params["text"]))
    return [[p.line, p.column_byte, p.what] for p in found]


def to_json(outline: Outline) -> dict[str, Any]:
    """Rows of plain values, in the order of the dataclasses' fields."""
    return {
        "language": outline.language,
        "symbols": [
            [s.qualified_name, s.kind, s.start_line, s.end_line, s.start_byte, s.end_byte,
             s.signature, s.doc]
            for s in outline.symbols
        ],
        "references": [[r.name, r.line, r.role] for r in outline.references],
        "imports": [[i.module, i.names, i.line] for i in outline.imports],
        "literals": [[literal.text, literal.line] for literal in outline.literals],
        "problems": [[p.line, p.column_byte, p.what] for p in outline.problems],
    }  # fmt: skip


def main() -> None:
    wire = guard_stdout()
    die_with_parent()
    if hasattr(os, "nice"):
        os.nice(5)  # a person's own work comes first
    serve({"parse_files": _parse_files, "parse_text": _parse_text, "problems": _problems}, wire)


if __name__ == "__main__":
    main()
