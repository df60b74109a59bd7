"""The texts a refactoring works on: files that the index knows, open buffers before what is saved.

Reads regular files of the workspace and nothing else; follows no link.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from context.parsing import BINARY, Skipped, read_source
from context.refactoring import Refused, TextEdit
from context.refactoring.names import family
from context.text import content_hash

MAX_TEXT_CHARS = 60_000_000  # of all files together that hold a name: more memory than is fair


class Sources:
    """Texts by path, read when they are asked for and kept."""

    def __init__(
        self, root: Path, files: Mapping[str, str], overlays: Mapping[str, str] | None = None
    ) -> None:
        """`files`: language by path from the root; `overlays`: text of open buffers by path."""
        self.root = root
        self.languages = dict(files)
        self._texts: dict[str, str] = dict(overlays or {})

    def text(self, path: str) -> str:
        """Raises `Refused` for a file that cannot be read. A binary one has no text at all: no
        compiler would take it, whatever its name ends in.
        """
        if path not in self._texts:
            try:
                self._texts[path] = read_source(self.root, path)
            except Skipped as reason:
                if str(reason) != BINARY:
                    sentence = f"{path} cannot be read ({reason}), so it may hold a use."
                    raise Refused(sentence) from None
                self._texts[path] = ""
        return self._texts[path]

    def language(self, path: str) -> str:
        return self.languages.get(path, "text")

    def of_family(self, language: str) -> list[str]:
        """Paths of all files whose names and modules `language` shares, in order."""
        wanted = family(language)
        return sorted(p for p, own in self.languages.items() if family(own) == wanted)

    def holding(self, word: str, paths: Sequence[str]) -> list[str]:
        """Those of `paths` whose text has `word` as a whole word anywhere."""
        pattern = re.compile(rf"(?<![\w$]){re.escape(word)}(?![\w$])")
        return [path for path in paths if pattern.search(self.text(path))]

    def edit(self, path: str, start: int, end: int, new_text: str) -> TextEdit:
        text = self.text(path)
        return TextEdit(path, start, end, text[start:end], new_text, content_hash(text))


def edited(text: str, edits: Sequence[TextEdit]) -> str:
    """The text after edits that do not overlap."""
    pieces, at = list[str](), 0
    for edit in sorted(edits, key=lambda e: (e.start, e.end)):
        pieces += [text[at : edit.start], edit.new_text]
        at = edit.end
    return "".join([*pieces, text[at:]])


def by_path(edits: Sequence[TextEdit]) -> Iterator[tuple[str, list[TextEdit]]]:
    """Edits of each file, in order of path."""
    for path in sorted({edit.path for edit in edits}):
        yield path, [edit for edit in edits if edit.path == path]


def line_of(text: str, offset: int) -> int:
    """1-based line of an offset, for a sentence to a person."""
    before = text[:offset]
    return 1 + before.count("\n") + before.count("\r") - before.count("\r\n")
