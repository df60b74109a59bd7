"""Chat templates that we reviewed, one a model family; the one in a weight file is never run.

A conversation becomes segments: marks of the template, in which special tokens count, and texts, in
which they do not, so that `<|im_end|>` in someone's code stays text and ends nobody's turn.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from models.backends import Conversation, Gap
from models.catalog import FimTokens, TemplateName


@dataclass(frozen=True, slots=True)
class Segment:
    text: str
    is_mark: bool  # special tokens are tokens here, and plain text elsewhere
    is_ours: bool = False  # text of ours that looks like a mark: tags where no token is one


def render(conversation: Conversation, template: TemplateName) -> tuple[Segment, ...]:
    """The whole prompt up to where the model goes on, the assistant's prefix included.

    Texts beside each other are one: a tokenizer may join what is on both sides.
    """
    joined: list[Segment] = []
    for segment in segments_of(conversation, template):
        if joined and not segment.is_mark and not joined[-1].is_mark:
            joined[-1] = Segment(joined[-1].text + segment.text, is_mark=False)
        else:
            joined.append(segment)
    return tuple(joined)


def segments_of(conversation: Conversation, template: TemplateName) -> tuple[Segment, ...]:
    """The same, with what is ours apart from what is not."""
    segments = _chatml(conversation) if template == "chatml" else _deepseek_r1(conversation)
    return tuple(s for s in segments if s.text)


def render_gap(gap: Gap, fim: FimTokens) -> tuple[Segment, ...]:
    """Prefix, suffix, and where the model goes on with what is between: Qwen2.5-Coder's order."""
    segments = (
        Segment(fim.prefix, is_mark=True),
        Segment(gap.before, is_mark=False),
        Segment(fim.suffix, is_mark=True),
        Segment(gap.after, is_mark=False),
        Segment(fim.middle, is_mark=True),
        Segment(gap.begun, is_mark=False),
    )
    return tuple(s for s in segments if s.text)


def marks_of(template: TemplateName) -> frozenset[str]:
    """The marks that must be whole tokens of a vocabulary for this template to mean anything."""
    if template == "chatml":
        return frozenset({"<|im_start|>", "<|im_end|>"})
    return frozenset(
        {"<｜begin▁of▁sentence｜>", "<｜User｜>", "<｜Assistant｜>", "<think>", "</think>"}
    )


def _chatml(conversation: Conversation) -> Iterator[Segment]:
    """Qwen2.5's format, from its model card."""
    for message in conversation.messages:
        yield Segment(f"<|im_start|>{message.role}\n", is_mark=True)
        yield Segment(message.content, is_mark=False)
        yield Segment("<|im_end|>\n", is_mark=True)
    yield Segment("<|im_start|>assistant\n", is_mark=True)
    if (thought := conversation.thought) is not None:  # its tags are text like any other
        yield Segment("<think>\n", is_mark=False, is_ours=True)
        yield Segment(thought.text, is_mark=False)
        if thought.is_closed:
            yield Segment("\n</think>\n\n", is_mark=False, is_ours=True)
    yield Segment(conversation.assistant_prefix, is_mark=False)


def _deepseek_r1(conversation: Conversation) -> Iterator[Segment]:
    """The R1 distills' format. DeepSeek advises against a system turn: it joins the user's."""
    yield Segment("<｜begin▁of▁sentence｜>", is_mark=True)
    yield Segment("<｜User｜>", is_mark=True)
    yield Segment("\n\n".join(m.content for m in conversation.messages), is_mark=False)
    yield Segment("<｜Assistant｜>", is_mark=True)
    if (thought := conversation.thought) is not None:  # its tags are single tokens in this family
        yield Segment("<think>", is_mark=True)
        yield Segment(f"\n{thought.text}", is_mark=False)
        if thought.is_closed:
            yield Segment("\n", is_mark=False)
            yield Segment("</think>", is_mark=True)
            yield Segment("\n\n", is_mark=False)
    yield Segment(conversation.assistant_prefix, is_mark=False)
