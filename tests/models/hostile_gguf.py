"""Malformed GGUF files, the same 500 each time: made from a header like the real 0.5B's.

`python -P -m tests.models.hostile_gguf FOLDER` gives each to the check before llama.cpp, within a
bounded address space, and prints what became of it as JSON.
"""

from __future__ import annotations

import json
import random
import struct
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from models.catalog import entry_named
from models.errors import WeightsRefused
from models.gguf import MAX_ITEMS, BrokenGguf
from models.weights import check_for_load

N_FILES = 500
MAX_ADDRESS_SPACE = 1 << 30  # the interpreter with pydantic takes some 200 MB of it
UINT8, INT32, UINT32, FLOAT32, BOOL, STRING, ARRAY, UINT64 = 0, 5, 4, 6, 7, 8, 9, 10


def text(value: str) -> bytes:
    return struct.pack("<Q", len(value.encode())) + value.encode()


def pair(key: str, kind: int, value: bytes) -> bytes:
    return text(key) + struct.pack("<I", kind) + value


def strings(values: list[str]) -> bytes:
    return struct.pack("<IQ", STRING, len(values)) + b"".join(map(text, values))


def tensor(name: str, dimensions: list[int], kind: int, offset: int) -> bytes:
    head = text(name) + struct.pack("<I", len(dimensions))
    return head + struct.pack(f"<{len(dimensions)}QIQ", *dimensions, kind, offset)


def metadata() -> list[bytes]:
    """The keys of the real 0.5B, with a small vocabulary."""
    tokens = [f"token{n}" for n in range(48)]
    return [
        pair("general.architecture", STRING, text("qwen2")),
        pair("general.name", STRING, text("Qwen2.5 Coder 0.5B Instruct")),
        pair("qwen2.block_count", UINT32, struct.pack("<I", 24)),
        pair("qwen2.context_length", UINT32, struct.pack("<I", 32_768)),
        pair("qwen2.embedding_length", UINT32, struct.pack("<I", 896)),
        pair("qwen2.attention.head_count", UINT32, struct.pack("<I", 14)),
        pair("qwen2.attention.head_count_kv", UINT32, struct.pack("<I", 2)),
        pair("qwen2.rope.freq_base", FLOAT32, struct.pack("<f", 1e6)),
        pair("tokenizer.ggml.model", STRING, text("gpt2")),
        pair("tokenizer.ggml.pre", STRING, text("qwen2")),
        pair("tokenizer.ggml.tokens", ARRAY, strings(tokens)),
        pair(
            "tokenizer.ggml.token_type",
            ARRAY,
            struct.pack("<IQ", INT32, 48) + struct.pack("<48i", *[1] * 48),
        ),
        pair("tokenizer.ggml.add_bos_token", BOOL, b"\0"),
        pair("tokenizer.chat_template", STRING, text("{% for m in messages %}" * 100)),
    ]


def tensors() -> list[bytes]:
    """Forty of 256 numbers in Q4_K, one after another."""
    return [tensor(f"blk.{n}.attn_q.weight", [256], 12, 160 * n) for n in range(40)]


def build(
    rows: list[bytes] | None = None,
    table: list[bytes] | None = None,
    *,
    n_rows: int | None = None,
    n_tensors: int | None = None,
    version: int = 3,
    data_bytes: int = 160 * 40,
) -> bytes:
    rows = metadata() if rows is None else rows
    table = tensors() if table is None else table
    head = b"GGUF" + struct.pack(
        "<IQQ",
        version,
        len(table) if n_tensors is None else n_tensors,
        len(rows) if n_rows is None else n_rows,
    )
    head += b"".join(rows) + b"".join(table)
    return head + b"\0" * (-len(head) % 32) + b"\x07" * data_bytes


def crafted() -> Iterator[tuple[str, bytes]]:
    """One lie each; every one must be refused by the header's reader itself."""
    huge = (1 << 63) - 1
    for name, count in (("tensors", "n_tensors"), ("metadata", "n_rows")):
        for value in (huge, 1 << 40, 1 << 32, 70_000, 4_097 if name == "metadata" else 65_537):
            yield f"{value} {name}", build(**{count: value})  # type: ignore[arg-type]
    yield "no tensors", build(table=[])
    for version in (0, 1, 4, 99, 0xFFFFFFFF):
        yield f"version {version}", build(version=version)
    for magic in (b"GGML", b"FUGG", b"PK\3\4", b"\0\0\0\0"):
        yield f"magic {magic!r}", magic + build()[4:]
    for length in (huge, (1 << 64) - 1, 1 << 40, 1 << 21):
        row = struct.pack("<Q", length) + b"key" + struct.pack("<I", UINT32) + b"\0" * 4
        yield f"key of {length}", build([row, *metadata()])
        row = text("a") + struct.pack("<IQ", STRING, length) + b"value"
        yield f"text of {length}", build([row, *metadata()])
        for kind in (UINT8, UINT32, UINT64, BOOL, STRING):
            row = text("a") + struct.pack("<IIQ", ARRAY, kind, length)
            yield f"array of {length} of {kind}", build([row, *metadata()])
    for kind in (13, 14, 99, 255, 0xFFFFFFFF):
        yield f"value of type {kind}", build([pair("a", kind, b"\0" * 8), *metadata()])
        row = pair("a", ARRAY, struct.pack("<IQ", kind, 2) + b"\0" * 16)
        yield f"array of type {kind}", build([row, *metadata()])
    nested = struct.pack("<IQ", ARRAY, 1) * 500 + struct.pack("<IQ", UINT8, 0)
    yield "500 nested arrays", build([pair("a", ARRAY, nested), *metadata()])
    yield "a key twice", build([*metadata(), metadata()[1]])
    yield "an empty key", build([pair("", UINT32, b"\0" * 4), *metadata()])
    for value in (b"\2", b"\xff"):
        yield f"truth {value!r}", build([pair("a", BOOL, value), *metadata()])
    yield "no architecture", build(metadata()[1:])
    yield (
        "architecture is a number",
        build([pair("general.architecture", UINT32, b"\1\0\0\0"), *metadata()[1:]]),
    )
    for alignment in (0, 1, 7, 24, 33, 1 << 20, 0xFFFFFFFF):
        row = pair("general.alignment", UINT32, struct.pack("<I", alignment))
        yield f"alignment {alignment}", build([*metadata(), row])
    yield "alignment is a text", build([*metadata(), pair("general.alignment", STRING, text("32"))])
    for key in ("block_count", "context_length", "attention.head_count", "embedding_length"):
        rest = [row for row in metadata() if f"qwen2.{key}".encode() not in row[:40]]
        for kind, value in ((STRING, text("24")), (INT32, struct.pack("<i", -24)), (BOOL, b"\1")):
            yield f"{key} of type {kind}", build([*rest, pair(f"qwen2.{key}", kind, value)])
    yield from _crafted_vocabularies()
    yield from _crafted_tensors(huge)


def _crafted_vocabularies() -> Iterator[tuple[str, bytes]]:
    rest = [row for row in metadata() if b"tokenizer.ggml.token" not in row[:40]]
    numbers = struct.pack("<IQ", INT32, 48) + struct.pack("<48i", *[1] * 48)
    short = struct.pack("<IQ", INT32, 3) + struct.pack("<3i", 1, 1, 1)
    tokens = pair("tokenizer.ggml.tokens", ARRAY, strings(["a"] * 48))
    yield "tokens are numbers", build([*rest, pair("tokenizer.ggml.tokens", ARRAY, numbers)])
    yield "tokens are a text", build([*rest, pair("tokenizer.ggml.tokens", STRING, text("a"))])
    for key in ("token_type", "scores"):
        name = f"tokenizer.ggml.{key}"
        yield f"{key} too short", build([*rest, tokens, pair(name, ARRAY, short)])
        yield f"{key} of texts", build([*rest, tokens, pair(name, ARRAY, strings(["a"] * 48))])
        yield f"{key} a number", build([*rest, tokens, pair(name, UINT32, b"\1\0\0\0")])
    # The most that a small lie can make the reader walk: empty texts, as many as it allows and one.
    many = struct.pack("<IQ", STRING, MAX_ITEMS + 1) + b"\0" * 8 * 1_000
    yield "a text too many", build([pair("a", ARRAY, many), *metadata()])
    whole = struct.pack("<IQ", STRING, 2_000_000) + b"\0" * 8 * 2_000_000
    yield "two million empty texts, then a lie", build([pair("a", ARRAY, whole), *metadata()[1:]])


def _crafted_tensors(huge: int) -> Iterator[tuple[str, bytes]]:
    table = tensors()
    for dimensions in (
        [0],
        [huge],
        [huge, huge],
        [1 << 20] * 4,
        [256, 0],
        [1 << 39, 4],
        [255],
        [1],
    ):
        yield f"dimensions {dimensions}", build(table=[*table, tensor("w", dimensions, 12, 6_400)])
    for n_dimensions in (0, 5, 8, 1 << 31):
        row = text("w") + struct.pack("<I", n_dimensions) + b"\1\0\0\0\0\0\0\0" * 8
        yield f"{n_dimensions} dimensions", build(table=[*table, row])
    for kind in (4, 5, 9, 15, 31, 38, 60, 200, 0xFFFFFFFF):
        yield f"tensor of type {kind}", build(table=[*table, tensor("w", [256], kind, 6_400)])
    for offset in (1, 7, 8, 6_401, huge, (1 << 64) - 32, (1 << 64) - 1, 1 << 40):
        yield f"offset {offset}", build(table=[*table, tensor("w", [256], 12, offset)])
    for at in (0, 160, 3_200):
        yield f"overlap at {at}", build(table=[*table, tensor("w", [512], 12, at)])
    yield "the same place twice", build(table=[*table, tensor("w", [256], 12, 0)])
    yield (
        "the same name twice",
        build(table=[*table, tensor("blk.0.attn_q.weight", [256], 12, 6_400)]),
    )
    for missing in (17, 160, 3_000, 6_400):
        yield f"{missing} bytes of data missing", build(data_bytes=6_400 - missing)


def mutated(chance: random.Random) -> Iterator[tuple[str, bytes]]:
    """Cut anywhere, or with bytes changed anywhere: the digest refuses what the reader lets by."""
    whole = build()
    head = len(whole) - 6_400
    while True:
        yield "cut", whole[: chance.randrange(len(whole))]
        data = bytearray(whole)
        for _ in range(chance.randint(1, 8)):
            data[chance.randrange(head)] = chance.choice([0, 1, 0x7F, 0x80, 0xFF])
        yield "bytes", bytes(data)
        data = bytearray(whole)
        at = chance.randrange(4, head - 8)
        data[at : at + 8] = struct.pack("<Q", chance.choice([0, 1 << 31, 1 << 63, (1 << 64) - 1]))
        yield "a number", bytes(data)
        at, length = chance.randrange(head), chance.randint(1, 64)
        yield "a piece gone", whole[:at] + whole[at + length :]
        yield "a piece twice", whole[: at + length] + whole[at:]


def files() -> Iterator[tuple[str, bytes]]:
    """All 500, with a name each."""
    made = list(crafted())
    yield from made
    more = mutated(random.Random(20_260_101))
    for number in range(N_FILES - len(made)):
        name, data = next(more)
        yield f"{number} {name}", data


def main() -> None:
    import resource  # here, because the files are made on Windows too

    resource.setrlimit(resource.RLIMIT_AS, (MAX_ADDRESS_SPACE, MAX_ADDRESS_SPACE))
    entry = entry_named("qwen2.5-coder-0.5b")
    file = Path(sys.argv[1]) / entry.file
    results: list[dict[str, Any]] = []
    must_be_broken = {name for name, _ in crafted()}
    for name, data in files():
        file.write_bytes(data)
        started = time.perf_counter()
        try:
            check_for_load(entry, file)
            outcome, said = "accepted", ""
        except BrokenGguf as error:
            outcome, said = "header", str(error)
        except WeightsRefused as error:
            outcome, said = "digest", str(error)
        except BaseException as error:  # noqa: BLE001 - whatever else comes is the finding
            outcome, said = type(error).__name__, str(error)
        took_s = time.perf_counter() - started
        crafted_lie = name in must_be_broken
        results.append(
            {"name": name, "outcome": outcome, "said": said, "s": took_s, "crafted": crafted_lie}
        )
    peak_kb = _peak_kb()
    sys.stdout.write(json.dumps({"results": results, "peak_kb": peak_kb}))


def _peak_kb() -> int:
    """Of this program alone: what getrusage says begins with what the parent had at the fork."""
    try:
        status = Path("/proc/self/status").read_text(encoding="ascii")
        return int(status.partition("VmHWM:")[2].split()[0])
    except OSError:
        import resource

        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


if __name__ == "__main__":
    main()
