"""Turn a model's reply into edits against the current texts, or say why not."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from context.text import Text, content_hash, split_lines
from context.window import ContextWindow, Snippet
from models.findings import Edit, Refusal
from models.gate.anchors import aligned, anchored, hunks, overlap_refusal
from models.gate.content import (
    MAX_LOST_OF_REGION,
    Deletion,
    content_refusal,
    emptied_lines,
    emptied_refusal,
    lost_refusal,
    size_refusal,
)
from models.gate.paths import path_refusal
from models.gate.syntax import OutlineOf, by_path, syntax_refusal
from models.replies import EditsReply, RewriteReply


@dataclass(frozen=True, slots=True)
class Verdict:
    """All edits passed (then `refusals` is empty), or none is let through."""

    edits: tuple[Edit, ...]
    refusals: tuple[Refusal, ...]


async def check_edits(
    reply: EditsReply,
    window: ContextWindow,
    sources: Mapping[str, str],
    outline_of: OutlineOf,
    deletion: Deletion,
) -> Verdict:
    """Turn a reply into edits against `sources` (current texts by path), or say why not.

    Edits of one reply stand or fall together: half a change is no change.
    """
    edits: list[Edit] = []
    for wanted in reply.edits:
        outcome = anchored(wanted, reply.reason, window, sources)
        if isinstance(outcome, Edit):
            outcome = content_refusal(outcome, deletion) or outcome
        if isinstance(outcome, Refusal):
            return Verdict((), (outcome,))
        edits.append(outcome)
    refusal = size_refusal(edits) or overlap_refusal(edits) or emptied_refusal(edits, deletion)
    if refusal is not None:
        return Verdict((), (refusal,))
    for path, mine in by_path(edits).items():
        refusal = await syntax_refusal(path, sources[path], mine, outline_of, deletion)
        if refusal is not None:
            return Verdict((), (refusal,))
    return Verdict(tuple(edits), ())


async def check_rewrite(
    reply: RewriteReply,
    region: Snippet,
    sources: Mapping[str, str],
    outline_of: OutlineOf,
    deletion: Deletion,
) -> Verdict:
    """Turn rewritten lines into the smallest edits that lead from `region` to them."""
    if refusal := path_refusal(region.path):
        return Verdict((), (refusal,))
    if region.path not in sources:
        return Verdict((), (Refusal("shown", f"{region.path} is not a file that was shown."),))
    source = sources[region.path]
    if content_hash(source) != region.file_hash:
        sentence = f"{region.path} has changed since it was read; ask again."
        return Verdict((), (Refusal("version", sentence),))
    old, new = region.text.split("\n"), aligned(region.text, split_lines(reply.code))
    if refusal := lost_refusal(old, new, deletion, MAX_LOST_OF_REGION):
        return Verdict((), (refusal,))
    edits = hunks(Text(source), region, old, new, reply.reason)
    if not edits:
        return Verdict((), (Refusal("no-op", "The edit changes nothing."),))
    refusals = [size_refusal(edits), *(content_refusal(e, Deletion.AS_TOLD) for e in edits)]
    if refusal := next((r for r in refusals if r), None) or emptied_lines(old, new, deletion):
        return Verdict((), (refusal,))
    refusal = await syntax_refusal(region.path, source, edits, outline_of, deletion)
    return Verdict((), (refusal,)) if refusal else Verdict(tuple(edits), ())
