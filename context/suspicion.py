"""Which functions to read first when nothing is known of a bug: those that leave most room for one.

A count of what bugs are often made of (bounds, comparisons, catch-alls, arithmetic, loops), for the
order alone: no function is called wrong for it. The weights are guesses, not measured.
"""

from __future__ import annotations

import math
import re

_SIGNS = tuple(
    (re.compile(pattern, re.MULTILINE), weight)
    for pattern, weight in (
        (r"\b(?:TODO|FIXME|XXX|HACK|BUG)\b", 3.0),
        # an index beside another
        (r"\[[^\[\]\n]*[-+]\s*1\s*[\]:]|\brange\([^)\n]{0,80}[-+]\s*1", 2.0),
        (r"except\s*:|except (?:Base)?Exception\b|catch\s*\(\s*\.\.\.|catch\s*\{|_ = err", 2.0),
        (r"def \w+\([^)\n]{0,300}=\s*(?:\[\]|\{\})", 2.0),  # a default that is kept
        (r"<=|>=", 1.0),
        (r"(?<![/*<])/(?![/*>])|%(?![sd(\"'])", 1.0),
        (r"\bwhile\b|\bgoto\b", 1.0),
        (r"==|!=|\bis not\b|\bnot\b|!\w", 0.5),
        (r"\b(?:if|elif|else|for|case|switch|match|\?\?|&&|\|\||and|or)\b", 0.3),
        (r"\b(?:lock|mutex|thread|async|await|go func|unsafe|malloc|free|strcpy|memcpy)\b", 1.0),
        (r"\w\[[^\[\]\n]+\]", 0.3),
    )
)


def suspicion(code: str) -> float:
    """How much room for a bug a function has: 0 and more, to be compared with others only."""
    n_lines = max(code.count("\n") + 1, 1)
    found = sum(weight * len(pattern.findall(code)) for pattern, weight in _SIGNS)
    return found / math.sqrt(n_lines)
