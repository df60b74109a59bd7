"""Loads every grammar and says which are broken: `python -P -m context.grammar_probe`, JSON.

Its own process, because a grammar is native code that may end one.
"""

from __future__ import annotations

import json
import sys

from context.languages import LANGUAGES
from context.syntax import broken_grammars


def main() -> None:
    broken = broken_grammars(LANGUAGES)
    sys.stdout.write(json.dumps({"languages": len(LANGUAGES), "broken": broken}))


if __name__ == "__main__":
    main()
