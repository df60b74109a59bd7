"""The parser process: reads files and yields what the index keeps of each.

Run as `python -P -m context.parsing`. It has tree-sitter's native code in it, so it may crash or
hang on a file; the indexer notices, kills it and goes on (context/indexer.py).
"""

from __future__ import annotations

import codecs
import gc
import os
import re
import stat
import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from context.anatomy import ANATOMY, Anatomy
from context.details import pack_details, reference_term
from context.languages import Language, dialect, language_named
from context.outline import Outline, Symbol, SymbolKind
from context.postings import FILE_DOC, count_documents
from context.sandbox import Sockets, keep_writes_below, limit_resources, refuse_calls
from context.secrets import blank_secrets
from context.serving import Emit, die_with_parent, guard_stdout, serve
from context.terms import words
from context.text import count_lines, encode, hash_bytes

MAX_FILE_BYTES = 4_000_000  # larger files are data; skipped and counted
MAX_TEXT_BYTES = 200_000  # of a file in a language that we have no grammar for
WORDS_AT_ONCE = 100_000  # of documents sent in one message: some 30 files
GARBAGE_AT = 500_000  # new objects; looking for cycles, of which there are none, took an eighth
BINARY = "binary"  # why a file is skipped
NAME_WEIGHT = 2  # how much more a word counts in a symbol's name; a guess
_PEP_263 = re.compile(rb"^[ \t\f]*#.*?coding[:=][ \t]*([-\w.]+)")


class Skipped(Exception):
    """This file is not indexed; the text is the reason that is counted."""


def read_source(root: Path, path: str) -> str:
    """Text of a regular file of the workspace. Raises `Skipped` with the reason otherwise."""
    return decode(read_bytes(root, path))


def read_bytes(root: Path, path: str) -> bytes:
    """Content of a regular file of the workspace. Raises `Skipped` with the reason otherwise."""
    flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
    try:
        descriptor = os.open(root / path, flags | getattr(os, "O_BINARY", 0))
    except OSError as error:
        raise Skipped("unreadable") from error
    status = os.fstat(descriptor)
    if not stat.S_ISREG(status.st_mode):
        os.close(descriptor)  # before it is made a file, which a folder cannot be
        raise Skipped("special")
    with os.fdopen(descriptor, "rb") as file:
        if status.st_size > MAX_FILE_BYTES:
            raise Skipped("too large")
        try:
            return file.read(MAX_FILE_BYTES + 1)
        except OSError as error:
            raise Skipped("unreadable") from error


def decode(source: bytes) -> str:
    """The text of a file. Raises `Skipped` as `decoded` does."""
    return decoded(source)[0]


def decoded(source: bytes) -> tuple[str, str]:
    """(text, codec): UTF-8 with or without a mark, else what a coding line says, else Latin-1,
    which always fits.

    Raises `Skipped` for a file with a NUL byte near its start, and for UTF-16.
    """
    if source.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise Skipped("UTF-16")
    if b"\0" in source[:8192]:
        raise Skipped(BINARY)
    with suppress(UnicodeDecodeError):
        codec = "utf-8-sig" if source.startswith(codecs.BOM_UTF8) else "utf-8"
        return source.decode(codec), codec
    for line in source[:400].split(b"\n")[:2]:
        if found := _PEP_263.match(line):
            try:
                codec = found.group(1).decode("ascii")
                return source.decode(codec), codec
            except (LookupError, UnicodeDecodeError, ValueError):
                break
    return source.decode("latin-1"), "latin-1"


@dataclass(frozen=True, slots=True)
class Parsed:
    """One file as the parser sees it, with the words of its documents: the file, each function."""

    path: str
    hash: str
    outline: Outline
    n_lines: int
    documents: tuple[tuple[int, list[str]], ...]  # by ordinal; FILE_DOC for the whole file


def parse_text(path: str, content: str, source: bytes, language_name: str) -> Parsed:
    """`source` is `encode(content)`, which the caller has for the hash."""
    from context.syntax import outline

    content_hash = hash_source(source, language_name)
    language = parsed_language(content, source, language_name)
    n_lines = count_lines(content)
    if (without := blank_secrets(content, path)) is not content:  # the index is to hold none
        content, source = without, encode(without)
    if language is None:
        empty = Outline(language_name, (), (), (), (), ())
        return Parsed(path, content_hash, empty, n_lines, ((FILE_DOC, words(content)),))
    found = outline(source, language)
    return Parsed(path, content_hash, found, n_lines, tuple(_documents(source, found)))


def parsed_language(content: str, source: bytes, language_name: str) -> Language | None:
    """The language whose grammar reads the file; None where it is searched by words only."""
    from context.syntax import MAX_PARSE_BYTES

    language = language_named(language_name)
    return dialect(language, content) if language and len(source) <= MAX_PARSE_BYTES else None


def _documents(source: bytes, found: Outline) -> Iterator[tuple[int, list[str]]]:
    """Each piece of the source is read once: a function's words are the file's, too."""
    whole: list[str] = []
    at = 0
    for ordinal, symbol in enumerate(found.symbols):
        name = words(symbol.qualified_name.replace(".", " ")) * NAME_WEIGHT
        whole += name
        if symbol.kind is not SymbolKind.FUNCTION:
            continue
        body = words(source[symbol.start_byte : symbol.end_byte].decode("utf-8", "replace"))
        yield ordinal, body + name
        if symbol.start_byte >= at:  # the same lines may define two names
            whole += words(source[at : symbol.start_byte].decode("utf-8", "replace"))
            whole += body
            at = symbol.end_byte
    whole += words(source[at:].decode("utf-8", "replace"))
    yield FILE_DOC, whole


_known: set[str] = set()


def _parse_files(params: Any, emit: Emit, cancelled: threading.Event) -> None:
    """Parse {"root", "files": [[path, language], ...], "known": [hash]}; emit what is found.

    Files are named before they are touched, "named_at_once" in a message; parsed ones are emitted
    some at a time. Contents that are `known` are not parsed; without the key those of the last call
    are.
    """
    at_once = params["named_at_once"]
    root = Path(params["root"])
    if "known" in params:
        _known.clear()
        _known.update(params["known"])
    waiting: list[Parsed] = []
    n_words = 0
    for number, (path, language_name) in enumerate(params["files"]):
        if cancelled.is_set():
            return
        if number % at_once == 0:
            emit({"starts": [name for name, _ in params["files"][number : number + at_once]]})
        try:
            content = read_source(root, path)
            if language_named(language_name) is None and len(content) > MAX_TEXT_BYTES:
                raise Skipped("too large")
        except Skipped as skipped:
            emit({"path": path, "skipped": str(skipped)})
            continue
        source = encode(content)
        if _known and (known := hash_source(source, language_name)) in _known:
            emit({"path": path, "hash": known})
            continue
        parsed = parse_text(path, content, source, language_name)
        waiting.append(parsed)
        n_words += sum(len(found) for _, found in parsed.documents)
        if n_words >= WORDS_AT_ONCE:
            emit(to_chunk(waiting))
            waiting, n_words = [], 0
    if waiting:
        emit(to_chunk(waiting))


def hash_source(source: bytes, language_name: str) -> str:
    return hash_bytes(source + b"\0" + language_name.encode())


def _parse_buffer(params: Any, emit: Emit, cancelled: threading.Event) -> dict[str, Any]:
    """An open buffer as a chunk of one file."""
    del emit, cancelled
    content, language = params["text"], params["language"]
    return to_chunk([parse_text(params["path"], content, encode(content), language)])


def to_chunk(files: Sequence[Parsed]) -> dict[str, Any]:
    """Files with the postings of their documents, which are numbered through all files.

    What is looked up by file alone goes as text that the store keeps as it is.
    """
    documents = [found for file in files for _, found in file.documents]
    also: dict[int, Counter[str]] = {}
    number = 0
    for file in files:
        for ordinal, _ in file.documents:
            if ordinal == FILE_DOC:
                also[number] = Counter(
                    reference_term(r.name, r.role) for r in file.outline.references
                )
            number += 1
    postings, lengths = count_documents(documents, also)
    length = iter(lengths)
    return {
        "files": [
            {
                "path": file.path,
                "hash": file.hash,
                "language": file.outline.language,
                "n_lines": file.n_lines,
                "symbols": [[s.name, *_symbol_row(s)] for s in file.outline.symbols],
                "details": pack_details(file.outline),
                "docs": [[ordinal, next(length)] for ordinal, _ in file.documents],
            }
            for file in files
        ],
        "postings": postings.to_json(),
    }


def _outline(params: Any, emit: Emit, cancelled: threading.Event) -> dict[str, Any]:
    from context.meaning import checked_outline

    del emit, cancelled
    content, language_name = params["text"], params["language"]
    source = encode(content)
    language = parsed_language(content, source, language_name)
    if language is None:
        return to_json(Outline(language_name, (), (), (), (), ()))
    return to_json(checked_outline(source, language))


def _problems(params: Any, emit: Emit, cancelled: threading.Event) -> list[list[Any]]:
    from context.syntax import problems

    del emit, cancelled
    language = language_named(params["language"])
    if language is None:
        return []
    found = problems(encode(params["text"]), dialect(language, params["text"]))
    return [[p.line, p.column_byte, p.what] for p in found]


def _anatomy(params: Any, emit: Emit, cancelled: threading.Event) -> Any:
    from context.dissecting import dissect

    del emit, cancelled
    content = params["text"]
    language = parsed_language(content, encode(content), params["language"])
    found = dissect(content, language) if language else Anatomy((), (), "")
    return ANATOMY.dump_python(found, mode="json")


def to_json(outline: Outline) -> dict[str, Any]:
    """Rows of plain values, in the order of the dataclasses' fields."""
    return {
        "language": outline.language,
        "symbols": [_symbol_row(s) for s in outline.symbols],
        "references": [[r.name, r.line, r.role] for r in outline.references],
        "imports": [[i.module, i.names, i.line] for i in outline.imports],
        "literals": [[literal.text, literal.line] for literal in outline.literals],
        "problems": [[p.line, p.column_byte, p.what] for p in outline.problems],
    }


def _symbol_row(s: Symbol) -> list[Any]:
    return [s.qualified_name, s.kind, s.start_line, s.end_line, s.start_byte, s.end_byte,
            s.signature, s.doc]  # fmt: skip


def main() -> None:
    wire = guard_stdout()
    die_with_parent()
    limit_resources(None)
    keep_writes_below([])
    refuse_calls(Sockets.NONE)
    if hasattr(os, "nice"):
        os.nice(5)  # a person's own work comes first
    gc.freeze()
    gc.set_threshold(GARBAGE_AT)
    methods = {
        "parse_files": _parse_files,
        "parse_buffer": _parse_buffer,
        "outline": _outline,
        "problems": _problems,
        "anatomy": _anatomy,
    }
    serve(methods, wire)


if __name__ == "__main__":
    main()
