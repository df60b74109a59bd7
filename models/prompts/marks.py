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
from models.prompts.templates import render, segments_of
from models.reasoning import PAIRS

# Special tokens of the families in use are written in one of these ways: <|im_end|>, <｜User｜>,
# </s>, <eos>, <seed:bos>, <BOS_TOKEN>, [INST], [TOOL_CALLS], [gMASK], <start_of_turn>, and the
# thinking tags. Brackets by name: `[MAX_SIZE]` is code, which a space would spoil.
_TAGS = [tag for pair in PAIRS.items() for tag in pair if tag[0] in "<[◁" and tag[1] != "|"]
_MARK = re.compile(
    r"<\|(?=[^|>\s]{1,40}\|>)|<｜(?=[^｜>]{1,40}｜>)"
    r"|<(?=/?(?:s|(?:[a-z]{1,16}:)?(?:bos|eos|pad|unk)(?:_token)?|(?:BOS|EOS|PAD|UNK)(?:_TOKEN)?"
    r"|(?:start|end)_of_turn|tool_call|tool_response|sop|eop)>)"
    r"|\[(?=/?(?:INST|SYSTEM_PROMPT|AVAILABLE_TOOLS|TOOL_CALLS|TOOL_RESULTS|TOOL_CONTENT|CALL_ID"
    r"|MODEL_SETTINGS|gMASK|sMASK)\])|"
    + "|".join(f"{re.escape(tag[0])}(?={re.escape(tag[1:])})" for tag in _TAGS)
)


@dataclass(frozen=True, slots=True)
class Parts:
    """A prompt in pieces that are tokenized one by one; joined, they are the whole text."""

    pieces: tuple[str, ...]
    holds_marks: bool  # some text looks like a mark: the joined text must not be sent


def prompt_parts(conversation: Conversation, template: TemplateName) -> Parts:
    pieces: list[str] = []
    holds_marks = goes_on = False
    for segment in segments_of(conversation, template):
        cut = [segment.text] if segment.is_mark or segment.is_ours else _cut(segment.text)
        holds_marks = holds_marks or len(cut) > 1
        if goes_on and not segment.is_mark:  # a tokenizer may join what is on both sides
            pieces[-1] += cut.pop(0)
        pieces.extend(cut)
        goes_on = not segment.is_mark
    return Parts(tuple(pieces), holds_marks)


def neutral_prompt(conversation: Conversation, template: TemplateName) -> str:
    """One text in which only our own marks are marks."""
    thought = conversation.thought
    if thought is not None:
        thought = replace(thought, text=_neutral(thought.text))
    messages = neutral_messages(conversation.messages)
    prefix = _neutral(conversation.assistant_prefix)
    neutral = Conversation(messages, prefix, thought=thought)
    return "".join(s.text for s in render(neutral, template))


def neutral_messages(messages: Sequence[Message]) -> tuple[Message, ...]:
    """Messages in which nothing looks like a mark."""
    return tuple(replace(m, content=_neutral(m.content)) for m in messages)


def _neutral(text: str) -> str:
    return " ".join(_cut(text))


def _cut(text: str) -> list[str]:
    """The text, cut after the first character or two of whatever looks like a mark."""
    ends = [found.end() for found in _MARK.finditer(text)]
    starts = [0, *ends]
    return [text[a:b] for a, b in zip(starts, [*ends, None], strict=True)]
