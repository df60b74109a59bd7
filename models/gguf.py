"""A bounded reader of GGUF headers: refuses a malformed file before llama.cpp sees it.

llama.cpp aborts its process on some broken files and has had memory faults on others, so nothing is
loaded that this reader did not walk to the end of its tensor table: every string, array and tensor
lies inside the file, tensors have a known type, a whole number of blocks, and do not overlap. Time
and memory are bounded by the limits below, whatever the file says. The chat template in a file is
counted and never kept, let alone run. Format: the GGUF specification, versions 2 and 3.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

from models.errors import WeightsRefused

MAX_METADATA = 4_096
MAX_TENSORS = 65_536
MAX_STRING_BYTES = 1 << 20
MAX_KEPT_CHARS = 1_024  # of a text value; longer ones (a chat template) are only counted
MAX_ITEMS = 4_000_000  # in all arrays together; vocabularies and merges have under a million
MAX_HEADER_BYTES = 128 << 20  # those of large vocabularies have some 12 MB
MAX_DIMENSIONS = 4
MAX_ELEMENTS = 1 << 40
_SCALARS = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 10: "Q", 11: "q", 12: "d"}
_BOOL, _STRING, _ARRAY = 7, 8, 9
_UINT64 = struct.Struct("<Q")
# Marks of the templates in models/prompts/templates.py and of gaps in code: a vocabulary that lacks
# one would read it as plain text.
_MARKS = {
    mark.encode(): mark
    for mark in (
        "<|im_start|>", "<|im_end|>", "<|fim_prefix|>", "<|fim_suffix|>", "<|fim_middle|>",
        "<｜begin▁of▁sentence｜>", "<｜User｜>", "<｜Assistant｜>", "<think>", "</think>",
    )
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class TensorType:
    """How one quantisation packs numbers: `block_items` of them in `block_bytes`."""

    name: str
    block_items: int
    block_bytes: int


# ggml's own table of types (ggml.c); a test compares it with the library that is installed.
TENSOR_TYPES: Mapping[int, TensorType] = {
    0: TensorType("F32", 1, 4),
    1: TensorType("F16", 1, 2),
    2: TensorType("Q4_0", 32, 18),
    3: TensorType("Q4_1", 32, 20),
    6: TensorType("Q5_0", 32, 22),
    7: TensorType("Q5_1", 32, 24),
    8: TensorType("Q8_0", 32, 34),
    10: TensorType("Q2_K", 256, 84),
    11: TensorType("Q3_K", 256, 110),
    12: TensorType("Q4_K", 256, 144),
    13: TensorType("Q5_K", 256, 176),
    14: TensorType("Q6_K", 256, 210),
    16: TensorType("IQ2_XXS", 256, 66),
    17: TensorType("IQ2_XS", 256, 74),
    18: TensorType("IQ3_XXS", 256, 98),
    19: TensorType("IQ1_S", 256, 50),
    20: TensorType("IQ4_NL", 32, 18),
    21: TensorType("IQ3_S", 256, 110),
    22: TensorType("IQ2_S", 256, 82),
    23: TensorType("IQ4_XS", 256, 136),
    24: TensorType("I8", 1, 1),
    25: TensorType("I16", 1, 2),
    26: TensorType("I32", 1, 4),
    27: TensorType("I64", 1, 8),
    28: TensorType("F64", 1, 8),
    29: TensorType("IQ1_M", 256, 56),
    30: TensorType("BF16", 1, 2),
    34: TensorType("TQ1_0", 256, 54),
    35: TensorType("TQ2_0", 256, 66),
    39: TensorType("MXFP4", 32, 17),
}


class BrokenGguf(WeightsRefused):
    """The file is not a whole GGUF file; the text says where it stops being one."""


@dataclass(frozen=True, slots=True)
class Packed:
    """Tensors of one type."""

    n_tensors: int
    n_bytes: int


@dataclass(frozen=True, slots=True)
class GgufHeader:
    """What a header says, as far as a person or our arithmetic needs it. None: not said."""

    version: int
    n_tensors: int
    architecture: str
    name: str
    n_ctx_trained: int | None
    n_layers: int | None
    n_embedding: int | None
    n_heads: int | None
    n_kv_heads: int | None
    head_dim: int | None
    n_vocabulary: int | None
    tokenizer: str  # kind, and how it splits text before; "" when not said
    chat_template_bytes: int  # 0: none. It is never run
    marks: frozenset[str]  # tokens of prompt formats and gaps that its vocabulary has whole
    quantisation: Mapping[str, Packed] = field(default_factory=dict)  # type's name -> how much

    @property
    def n_bytes(self) -> int:
        """Bytes of all tensors: what a model takes in memory when all of it is loaded."""
        return sum(packed.n_bytes for packed in self.quantisation.values())


def read_header(file: Path) -> GgufHeader:
    """Walk the whole header. Raises `BrokenGguf`; OSError where the file cannot be read."""
    with file.open("rb") as opened:
        return read_opened_header(opened, file.name)


def read_opened_header(opened: BinaryIO, name: str) -> GgufHeader:
    """The same for a file that is open already, from its start. Raises `BrokenGguf`."""
    size = opened.seek(0, 2)
    opened.seek(0)
    reader = _Bounded(opened, min(size, MAX_HEADER_BYTES), name)
    if reader.take(4) != b"GGUF":
        raise BrokenGguf(f"{name} is no GGUF file: it does not begin with GGUF.")
    version = reader.number("I")
    if version not in (2, 3):
        raise BrokenGguf(f"{name} has GGUF version {version}; 2 and 3 are known.")
    n_tensors, n_metadata = reader.number("Q"), reader.number("Q")
    if not 0 < n_tensors <= MAX_TENSORS or n_metadata > MAX_METADATA:
        raise reader.broken("it announces more tensors or metadata than any model has, or none")
    metadata = _read_metadata(reader, n_metadata)
    alignment = metadata.get("general.alignment", 32)
    if type(alignment) is not int or not 8 <= alignment <= 65_536 or alignment & (alignment - 1):
        raise reader.broken("its alignment is out of range")
    quantisation = _walk_tensors(reader, n_tensors, alignment, size)
    return _header(reader, version, n_tensors, metadata, quantisation)


@dataclass(frozen=True, slots=True)
class _Counted:
    """A value that is not kept: an array's items, or a long text's bytes."""

    kind: int  # of the items; `_STRING` for a text
    count: int
    is_array: bool


def _read_metadata(reader: _Bounded, n_metadata: int) -> dict[str, Any]:
    metadata: dict[str, Any] = {}
    for _ in range(n_metadata):
        key = reader.string()
        if isinstance(key, _Counted) or not key or key in metadata:
            raise reader.broken("a name of its metadata is empty, too long or there twice")
        metadata[key] = reader.value()
    return metadata


def _header(
    reader: _Bounded,
    version: int,
    n_tensors: int,
    metadata: dict[str, Any],
    quantisation: dict[str, Packed],
) -> GgufHeader:
    architecture = metadata.get("general.architecture")
    if not isinstance(architecture, str) or not architecture:
        raise reader.broken("it names no architecture")

    def number(key: str) -> int | None:
        """A count of the architecture; some models give one a layer, which we do not need."""
        value = metadata.get(f"{architecture}.{key}")
        if value is None or (isinstance(value, _Counted) and value.is_array):
            return None
        if type(value) is not int or not 0 <= value < 1 << 31:
            raise reader.broken(f"its {key} is no count")
        return value

    n_embedding, n_heads = number("embedding_length"), number("attention.head_count")
    head_dim = number("attention.key_length")
    if head_dim is None and n_embedding and n_heads:
        head_dim = n_embedding // n_heads
    kinds = [metadata.get(f"tokenizer.ggml.{key}") for key in ("model", "pre")]
    return GgufHeader(
        version=version,
        n_tensors=n_tensors,
        architecture=architecture,
        name=str(metadata.get("general.name", "")),
        n_ctx_trained=number("context_length"),
        n_layers=number("block_count"),
        n_embedding=n_embedding,
        n_heads=n_heads,
        n_kv_heads=number("attention.head_count_kv"),
        head_dim=head_dim,
        n_vocabulary=_vocabulary(reader, metadata),
        tokenizer=", ".join(kind for kind in kinds if isinstance(kind, str)),
        chat_template_bytes=_length(metadata.get("tokenizer.chat_template", "")),
        marks=frozenset(reader.marks),
        quantisation=quantisation,
    )


def _length(text: Any) -> int:
    return text.count if isinstance(text, _Counted) else len(str(text).encode("utf-8", "replace"))


def _vocabulary(reader: _Bounded, metadata: dict[str, Any]) -> int | None:
    """How many tokens there are; their parallel lists must be as long (llama.cpp indexes them)."""
    tokens = metadata.get("tokenizer.ggml.tokens")
    if tokens is None:
        return None
    if not isinstance(tokens, _Counted) or not tokens.is_array or tokens.kind != _STRING:
        raise reader.broken("its vocabulary is no list of texts")
    for key in ("token_type", "scores"):
        beside = metadata.get(f"tokenizer.ggml.{key}")
        if beside is None:
            continue
        if not isinstance(beside, _Counted) or beside.kind == _STRING:
            raise reader.broken(f"its {key} is no list of numbers")
        if beside.count != tokens.count:
            raise reader.broken(f"its {key} and its vocabulary are not equally long")
    return tokens.count


def _walk_tensors(reader: _Bounded, n_tensors: int, alignment: int, size: int) -> dict[str, Packed]:
    """Check each tensor's entry, and that all lie in the file side by side."""
    names: set[str | _Counted] = set()
    places: list[tuple[int, int]] = []
    quantisation: dict[str, Packed] = {}
    for _ in range(n_tensors):
        name = reader.string()
        if name in names or isinstance(name, _Counted):
            raise reader.broken("two tensors have one name, or one is too long")
        names.add(name)
        kind, n_bytes = _tensor_size(reader)
        offset = reader.number("Q")
        if offset % alignment:
            raise reader.broken("a tensor is not aligned")
        places.append((offset, offset + n_bytes))
        before = quantisation.get(kind, Packed(0, 0))
        quantisation[kind] = Packed(before.n_tensors + 1, before.n_bytes + n_bytes)
    start = -(-reader.position // alignment) * alignment
    end = 0
    for begins, ends in sorted(places):
        if begins < end:
            raise reader.broken("two tensors overlap")
        end = ends
    if start + end > size:
        raise BrokenGguf(f"{reader.name} is cut off: copy it again.")
    return quantisation


def _tensor_size(reader: _Bounded) -> tuple[str, int]:
    """Name of its type, and its bytes."""
    n_dimensions = reader.number("I")
    if not 1 <= n_dimensions <= MAX_DIMENSIONS:
        raise reader.broken("a tensor has no or too many dimensions")
    dimensions = [reader.number("Q") for _ in range(n_dimensions)]
    elements = 1
    for dimension in dimensions:
        elements *= dimension
        if not 0 < elements < MAX_ELEMENTS:  # here, so that no product grows without bound
            raise reader.broken("a tensor's size is out of range")
    kind = TENSOR_TYPES.get(reader.number("I"))
    if kind is None:
        raise reader.broken("a tensor has an unknown type")
    if dimensions[0] % kind.block_items:
        raise reader.broken("a tensor does not have whole blocks of its type")
    return kind.name, elements // kind.block_items * kind.block_bytes


class _Bounded:
    """Reads values one after another and never beyond the header's limit."""

    def __init__(self, file: BinaryIO, limit: int, name: str) -> None:
        self._file = file
        self._limit = limit
        self._items_left = MAX_ITEMS
        self.name = name
        self.position = 0
        self.marks: set[str] = set()

    def broken(self, what: str) -> BrokenGguf:
        return BrokenGguf(f"{self.name} is damaged at byte {self.position}: {what}.")

    def take(self, n_bytes: int) -> bytes:
        if self.position + n_bytes > self._limit:
            raise BrokenGguf(f"{self.name} is cut off in its header: copy it again.")
        data = self._file.read(n_bytes)
        self.position += n_bytes
        if len(data) != n_bytes:
            raise BrokenGguf(f"{self.name} is cut off in its header: copy it again.")
        return data

    def number(self, code: str) -> int:
        value: int = struct.unpack(f"<{code}", self.take(struct.calcsize(f"<{code}")))[0]
        return value

    def string(self) -> str | _Counted:
        """A text, or only its length where it is long."""
        length = self._string_length()
        data = self.take(length)
        if length > MAX_KEPT_CHARS:
            return _Counted(_STRING, length, is_array=False)
        return data.decode("utf-8", "replace")

    def value(self) -> Any:
        kind = self.number("I")
        if kind == _STRING:
            return self.string()
        if kind == _BOOL:
            return self._bools(1) == b"\x01"
        if kind in _SCALARS:
            code = _SCALARS[kind]
            return struct.unpack(f"<{code}", self.take(struct.calcsize(f"<{code}")))[0]
        if kind != _ARRAY:
            raise self.broken("a value has an unknown type")
        return self._walk_array()

    def _walk_array(self) -> _Counted:
        kind, count = self.number("I"), self.number("Q")
        self._items_left -= count
        if self._items_left < 0:
            raise self.broken("its arrays are longer than any in a model")
        if kind in _SCALARS:
            self._skip(count * struct.calcsize(f"<{_SCALARS[kind]}"))
        elif kind == _BOOL:
            self._bools(count)
        elif kind == _STRING:
            for _ in range(count):
                if (mark := _MARKS.get(self.take(self._string_length()))) is not None:
                    self.marks.add(mark)
        else:
            raise self.broken("an array has items of an unknown type")
        return _Counted(kind, count, is_array=True)

    def _string_length(self) -> int:
        length: int = _UINT64.unpack(self.take(8))[0]
        if length > MAX_STRING_BYTES:
            raise self.broken("a string is longer than any in a model")
        return length

    def _bools(self, count: int) -> bytes:
        data = self.take(count)
        if data.strip(b"\x00\x01"):
            raise self.broken("a truth value is neither true nor false")
        return data

    def _skip(self, n_bytes: int) -> None:
        while n_bytes > 0:  # read in pieces, so that a lying count takes no memory
            n_bytes -= len(self.take(min(n_bytes, 1 << 20)))
