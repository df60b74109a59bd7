"""A bounded reader of GGUF headers: refuses a malformed file before llama.cpp sees it.

llama.cpp aborts its process on some broken files and has had memory faults on others, so nothing is
loaded that this reader did not walk to the end of its tensor table. Time and memory are bounded by
the limits below, whatever the file says. Format: the GGUF specification, versions 2 and 3.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from models.errors import WeightsRefused

MAX_METADATA = 4_096
MAX_TENSORS = 65_536
MAX_STRING_BYTES = 1 << 20
MAX_ARRAY_ITEMS = 4_000_000  # vocabularies have some hundred thousand
MAX_HEADER_BYTES = 256 << 20
MAX_DIMENSIONS = 4
_SCALARS = {
    0: "B",
    1: "b",
    2: "H",
    3: "h",
    4: "I",
    5: "i",
    6: "f",
    7: "?",
    10: "Q",
    11: "q",
    12: "d",
}
_STRING, _ARRAY = 8, 9


class BrokenGguf(WeightsRefused):
    """The file is not a whole GGUF file; the text says where it stops being one."""


@dataclass(frozen=True, slots=True)
class GgufHeader:
    version: int
    n_tensors: int
    architecture: str
    name: str
    n_ctx_trained: int | None
    n_layers: int | None


def read_header(file: Path) -> GgufHeader:
    """Walk the whole header. Raises `BrokenGguf`; OSError where the file cannot be read."""
    size = file.stat().st_size
    with file.open("rb") as opened:
        reader = _Bounded(opened, min(size, MAX_HEADER_BYTES), file.name)
        if reader.take(4) != b"GGUF":
            raise BrokenGguf(f"{file.name} is no GGUF file: it does not begin with GGUF.")
        version = reader.number("I")
        if version not in (2, 3):
            raise BrokenGguf(f"{file.name} has GGUF version {version}; 2 and 3 are known.")
        n_tensors, n_metadata = reader.number("Q"), reader.number("Q")
        if n_tensors > MAX_TENSORS or n_metadata > MAX_METADATA:
            raise reader.broken("it announces more tensors or metadata than any model has")
        metadata = {reader.string(): reader.value() for _ in range(n_metadata)}
        end = _walk_tensors(reader, n_tensors)
    alignment = metadata.get("general.alignment", 32)
    if not isinstance(alignment, int) or not 8 <= alignment <= 65_536 or alignment % 8:
        raise reader.broken("its alignment is out of range")
    if n_tensors and reader.position + end > size:
        raise BrokenGguf(f"{file.name} is cut off: copy it again.")
    architecture = metadata.get("general.architecture")
    if not isinstance(architecture, str) or not architecture:
        raise reader.broken("it names no architecture")
    return GgufHeader(
        version=version,
        n_tensors=n_tensors,
        architecture=architecture,
        name=str(metadata.get("general.name", "")),
        n_ctx_trained=_int(metadata.get(f"{architecture}.context_length")),
        n_layers=_int(metadata.get(f"{architecture}.block_count")),
    )


def _walk_tensors(reader: _Bounded, n_tensors: int) -> int:
    """Check each tensor's entry; return the largest offset into the data."""
    names: set[str] = set()
    end = 0
    for _ in range(n_tensors):
        name = reader.string()
        if name in names:
            raise reader.broken("two tensors have one name")
        names.add(name)
        n_dimensions = reader.number("I")
        if not 1 <= n_dimensions <= MAX_DIMENSIONS:
            raise reader.broken("a tensor has no or too many dimensions")
        elements = 1
        for _ in range(n_dimensions):
            elements *= reader.number("Q")
        if not 0 < elements < 1 << 40:
            raise reader.broken("a tensor's size is out of range")
        if reader.number("I") > 64:
            raise reader.broken("a tensor has an unknown type")
        offset = reader.number("Q")
        if offset % 8:
            raise reader.broken("a tensor is not aligned")
        end = max(end, offset)
    return end


def _int(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None


class _Bounded:
    """Reads values one after another and never beyond the header's limit."""

    def __init__(self, file: BinaryIO, limit: int, name: str) -> None:
        self._file = file
        self._limit = limit
        self._name = name
        self.position = 0

    def broken(self, what: str) -> BrokenGguf:
        return BrokenGguf(f"{self._name} is damaged at byte {self.position}: {what}.")

    def take(self, n_bytes: int) -> bytes:
        if self.position + n_bytes > self._limit:
            raise BrokenGguf(f"{self._name} is cut off in its header: copy it again.")
        data = self._file.read(n_bytes)
        self.position += n_bytes
        if len(data) != n_bytes:
            raise BrokenGguf(f"{self._name} is cut off in its header: copy it again.")
        return data

    def number(self, code: str) -> int:
        value: int = struct.unpack(f"<{code}", self.take(struct.calcsize(f"<{code}")))[0]
        return value

    def string(self) -> str:
        length = self.number("Q")
        if length > MAX_STRING_BYTES:
            raise self.broken("a string is longer than any in a model")
        return self.take(length).decode("utf-8", "replace")

    def value(self) -> Any:
        kind = self.number("I")
        if kind == _STRING:
            return self.string()
        if kind in _SCALARS:
            code = _SCALARS[kind]
            return struct.unpack(f"<{code}", self.take(struct.calcsize(f"<{code}")))[0]
        if kind != _ARRAY:
            raise self.broken("a value has an unknown type")
        return self._walk_array()

    def _walk_array(self) -> None:
        kind, count = self.number("I"), self.number("Q")
        if count > MAX_ARRAY_ITEMS:
            raise self.broken("an array is longer than any in a model")
        if kind in _SCALARS:
            self.take(count * struct.calcsize(f"<{_SCALARS[kind]}"))
        elif kind == _STRING:
            for _ in range(count):
                self.string()
        else:
            raise self.broken("an array has items of an unknown type")
