"""From our terms into the client's: paths to URIs, offsets to positions, findings to Markdown.

What a model or a workspace wrote goes into a hover only inside a fenced block that is longer than
any fence in it, with invisible characters written out: nothing there can become a link, an image or
a command, whatever the client's renderer allows.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from lsprotocol import types

from context.suspects import Suspect
from context.text import Span, Text
from context.window import Receipt, ShownPiece
from lsp.from_lsp import Encoding, width
from models.citations import marked
from models.findings import CutReason, Edit, Exact, Finding, Provenance
from models.gate import INVISIBLE
from models.tasks.explain import Explanation

MAX_HOVER_BYTES = 8_000  # in UTF-8, as the client gets them; of which at most:
MAX_WORDS_BYTES = 3_000  # what was said
MAX_RECEIPT_BYTES = 2_000  # what was shown to the model
MAX_MODEL_BYTES = 300
TRACE_HAS_REST = "\n[...] the rest: command postil.trace"
SOURCE = "postil"


def uri(path: Path) -> str:
    return path.as_uri()


def position(text: Text, offset: int, encoding: Encoding) -> types.Position:
    line_idx = text.line_idx_at(offset)
    line = text.line_span(line_idx)
    before = text.content[line.start : min(offset, line.end)]
    if encoding is Encoding.UTF32 or before.isascii():
        return types.Position(line_idx, len(before))
    return types.Position(line_idx, sum(width(char, encoding) for char in before))


def range_(text: Text, span: Span, encoding: Encoding) -> types.Range:
    return types.Range(position(text, span.start, encoding), position(text, span.end, encoding))


def plain_range(text: Text, span: Span, encoding: Encoding) -> dict[str, dict[str, int]]:
    """`range_` as plain data, for what is no part of the protocol."""
    start, end = (position(text, offset, encoding) for offset in (span.start, span.end))
    return {
        "start": {"line": start.line, "character": start.character},
        "end": {"line": end.line, "character": end.character},
    }


def visible(words: str) -> str:
    """Control, bidirectional and invisible characters written out as \\u{...}."""
    plain = re.sub(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]", lambda m: f"\\u{{{ord(m[0]):X}}}", words)
    return INVISIBLE.sub(lambda m: f"\\u{{{ord(m[0]):X}}}", plain)


def fenced(words: str) -> str:
    """`words` as one block of code that they cannot end."""
    longest = max((len(run) for run in re.findall(r"`+", words)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}text\n{visible(words)}\n{fence}"


def _bounded(words: str, max_bytes: int, rest: str = "\n[...]") -> str:
    """`fenced` in at most so many bytes; `rest` stands for what is left out."""
    block = fenced(words)
    n_over = _n_bytes(block) - max_bytes
    if n_over <= 0:
        return block
    shown = visible(words).encode("utf-8", "replace")
    room = max(len(shown) - n_over - len(rest), 0)
    return fenced(shown[:room].decode("utf-8", "ignore") + rest)


def _n_bytes(words: str) -> int:
    return len(words.encode("utf-8", "replace"))


def without_markup(hover: str) -> str:
    """A hover of ours for a client that shows no Markdown: headings and fences are left out."""
    lines = [line for line in hover.split("\n") if not re.fullmatch(r"`{3,}(text)?", line)]
    return "\n".join(re.sub(r"^\*\*(.*)\*\*$", r"\1", line) for line in lines)


def finding_hover(finding: Finding) -> str:
    place = f"{finding.path}, lines {finding.start_line}-{finding.end_line}"
    words = f"{finding.cause}\n({place}){agreement_words(finding.provenance)}"
    return _hover("Cause, as the model sees it", words, finding.provenance)


def explanation_hover(explanation: Explanation) -> str:
    lines = f"lines {explanation.start_line}-{explanation.end_line}"
    words = marked(explanation.text, explanation.citations)
    return _hover("Explained by the model", f"{words}\n({lines})", explanation.provenance)


def edit_hover(edits: Sequence[Edit], title: str, provenance: Provenance | Exact) -> str:
    reasons = "\n".join(dict.fromkeys(edit.reason for edit in edits))
    if isinstance(provenance, Exact):
        return _exact_hover(f"{title}\n{reasons}", provenance)
    return _hover("An edit by Postil", f"{title}\n{reasons}", provenance)


def _exact_hover(words: str, exact: Exact) -> str:
    files = f"{exact.looked_at} file{'s' * (exact.looked_at != 1)} with the name looked at"
    how = f"Carried out by {exact.by}, not by a model; {files}."
    title = "An exact refactoring by Postil"
    if exact.planned is None:
        return _short_hover(title, f"{words}\n{how}")
    return _hover(title, f"{words}\n{how} A model chose the name.", exact.planned)


def suspect_hover(rank: int, suspect: Suspect) -> str:
    reasons = "\n".join(f"- {e.detail}" for e in suspect.evidence)
    return _short_hover(f"Suspect {rank} of the last report, found without a model", reasons)


def suspect_message(rank: int, suspect: Suspect) -> str:
    why = suspect.evidence[0].detail if suspect.evidence else "words"
    return visible(f"Suspect {rank}: {suspect.symbol or suspect.path}: {why}")


def _short_hover(title: str, words: str) -> str:
    head = f"**{title}**\n\n"
    return f"{head}{_bounded(words, MAX_HOVER_BYTES - _n_bytes(head))}"


def _hover(title: str, words: str, provenance: Provenance) -> str:
    """Put together from finished blocks: no text of a model is ever a place to fill in."""
    said = _bounded(words, MAX_WORDS_BYTES, TRACE_HAS_REST)
    head = f"**{title}**\n\n{said}\n\n**{trace_head(provenance)}**\n\n"
    receipt = _bounded(_receipt(provenance.receipt), MAX_RECEIPT_BYTES, TRACE_HAS_REST)
    model = _bounded(model_words(provenance), MAX_MODEL_BYTES)
    tail = f"\n\n**Shown to the model**\n\n{receipt}\n\n{model}"
    if not (trace := marked(provenance.trace.text, provenance.citations)):
        return f"{head.rstrip()}{tail}"
    room = MAX_HOVER_BYTES - _n_bytes(head) - _n_bytes(tail)
    return f"{head}{_bounded(trace, room, TRACE_HAS_REST)}{tail}"


def trace_head(provenance: Provenance) -> str:
    """How the reasoning came about, in one line."""
    trace = provenance.trace
    if not trace.text:
        return f"No reasoning was written ({trace.n_tokens} tokens)"
    cut = {
        CutReason.NONE: "",
        CutReason.BUDGET: f", cut at {trace.n_tokens} tokens",
        CutReason.LOOP: ", cut where it repeated itself",
        CutReason.TIME: f", cut after {trace.elapsed_s:.0f} s",
    }[trace.cut]
    citations = provenance.citations
    supported = ""
    if citations.found:
        supported = f"; {citations.n_shown} of {len(citations.found)} references were shown"
    return (
        f"Reasoning ({trace.thinks.value}{cut}; {trace.n_tokens} tokens, "
        f"{trace.elapsed_s:.0f} s{supported})"
    )


def agreement_words(provenance: Provenance) -> str:
    """How many answers name the same lines, on a line of its own; nothing where one was asked."""
    if (agreement := provenance.agreement) is None:
        return ""
    name = "name" if agreement.n_agreeing > 1 else "names"
    return f"\n{agreement.n_agreeing} of {agreement.n_asked} answers {name} these lines"


def _receipt(receipt: Receipt) -> str:
    lines = ["".join(piece_words(piece)) for piece in receipt.shown]
    lines += total_words(receipt)
    if receipt.left_out:
        lines.append(
            "left out: "
            + ", ".join(f"{o.path}:{o.start_line}-{o.end_line}" for o in receipt.left_out[:12])
        )
    return "\n".join(lines)


def piece_words(piece: ShownPiece) -> tuple[str, str]:
    """(where it is, what it is and why it was shown) of a piece of the window."""
    snippet = piece.snippet
    symbol = f" {snippet.symbol}" if snippet.symbol else ""
    place = f"{snippet.path}:{snippet.start_line}-{snippet.end_line}"
    return place, f"{symbol} ({piece.n_tokens} tokens): {snippet.reason}"


def total_words(receipt: Receipt) -> list[str]:
    """How much was shown, a line a fact."""
    lines = [f"{receipt.used_tokens} of {receipt.budget_tokens} tokens"]
    if receipt.n_secrets:
        lines.append(f"{receipt.n_secrets} keys, tokens or passwords were left out")
    return lines


def model_words(provenance: Provenance) -> str:
    """Which model it was, with the beginning of its digest."""
    model = provenance.model
    digest = f", SHA-256 {model.digest[:16]}…" if model.digest else ""
    return f"{model.name} ({model.backend}, {model.device}{digest})"
