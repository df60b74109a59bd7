"""Keep a template's marks out of texts for servers, which see special tokens in any text.

Our own worker tokenizes marks and texts apart. A server gets one text, so what looks like a mark
inside someone's code must be cut in two: either the pieces are tokenized one by one, which leaves
the text as it is, or a space goes between them.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from models.backends import Conversation, Message
from models.catalog import TemplateName
from models.prompts.templates import Segment, render

# Special tokens of the families in use are written in one of these ways: <|im_end|>,
# <｜User｜>, <s>, </s>, [INST], <start_of_turn>, and the thinking tags.
_TURN = (
    r"<\|(?=[^|>\s]{1,40}\|>)|<｜(?=[^｜>]{1,40}｜>)|<(?=/?s>)|\[(?=/?INST\])"
    r"|<(?=(?:start|end)_of_turn>)"
)
_IN_TEXT = re.compile(rf"{_TURN}|<(?=/?(?:think|tool_call|tool_response)>)")
_IN_PREFIX = re.compile(_TURN)  # the thinking tags of the answer's prefix are ours


@dataclass(frozen=True, slots=True)
class Parts:
    """A prompt in pieces that are tokenized one by one; joined, they are the whole text."""

    pieces: tuple[str, ...]
    holds_marks: bool  # some text looks like a mark: the joined text must not be sent


def prompt_parts(conversation: Conversation, template: TemplateName) -> Parts:
    head = render(replace(conversation, assistant_prefix=""), template)
    pieces: list[str] = []
    holds_marks = False
    for number, segment in enumerate(render(conversation, template)):
        pattern = _IN_TEXT if number < len(head) else _IN_PREFIX
        cut = [segment.text] if segment.is_mark else _cut(segment, pattern)
        holds_marks = holds_marks or len(cut) > 1
        pieces.extend(cut)
    return Parts(tuple(pieces), holds_marks)


def neutral_prompt(conversation: Conversation, template: TemplateName) -> str:
    """One text in which only our own marks are marks."""
    messages = neutral_messages(conversation.messages)
    prefix = " ".join(_cut(Segment(conversation.assistant_prefix, is_mark=False), _IN_PREFIX))
    return "".join(s.text for s in render(Conversation(messages, prefix), template))


def neutral_messages(messages: Sequence[Message]) -> tuple[Message, ...]:
    """Messages in which nothing looks like a mark."""
    return tuple(
        replace(m, content=" ".join(_cut(Segment(m.content, is_mark=False), _IN_TEXT)))
        for m in messages
    )


def _cut(segment: Segment, pattern: re.Pattern[str]) -> list[str]:
    """The text, cut after the first character or two of whatever looks like a mark."""
    ends = [found.end() for found in pattern.finditer(segment.text)]
    starts = [0, *ends]
    return [segment.text[a:b] for a, b in zip(starts, [*ends, None], strict=True)]
