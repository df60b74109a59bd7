"""Older ways of writing in some languages, and what is written today: hints for a small model.

Found by patterns in the lines alone; a hint says what to look at and is never an edit.
"""

from __future__ import annotations

import re

from context.languages import language_of

MAX_HINTS = 4
_PYTHON = (
    (r"[\"']\s*%\s*[(\w]", "text put together with %: write an f-string"),
    (r"[\"']\.format\(", "text put together with format(): write an f-string"),
    (r"\bclass \w+\(object\)", "a class that names object: leave it out"),
    (r"\bsuper\(\w+,\s*self\)", "super with arguments: write super()"),
    (r"\bos\.path\.\w+", "os.path: use pathlib.Path where it is as clear"),
    (
        r"\btyping\.(?:List|Dict|Set|Tuple)|\b(?:List|Dict|Set|Tuple)\[",
        "typing.List and others: write list, dict, set, tuple",
    ),
    (r"\bOptional\[", "Optional[X]: write X | None"),
    (r"\bUnion\[", "Union[X, Y]: write X | Y"),
    (r"for \w+ in range\(len\(", "range(len(...)): use enumerate or the items themselves"),
    (r"\bopen\([^)\n]{0,200}\)\s*$", "a file that is opened without with: use with"),
    (r"\.append\(", "a list filled in a loop: write a comprehension where it is as clear"),
    (r"\bexcept \w+, \w+:|\bprint\s+[\"']|\bxrange\(|\.has_key\(|\bunicode\(", "Python 2"),
    (r"\.keys\(\)\s*:", "a loop over keys(): loop over the dict or its items()"),
    (r"\basyncio\.get_event_loop\(\)|@asyncio\.coroutine", "the old way into asyncio"),
)
_JAVASCRIPT = (
    (r"\bvar\s", "var: write const or let"),
    (r"\bfunction\s*\([^)\n]{0,200}\)\s*\{", "a function without a name: write an arrow function "
     "where this is not used"),
    (r"\.then\(", "a chain of then(): write async and await"),
    (r"[\"']\s*\+\s*\w+|\w\s*\+\s*[\"']", "text put together with +: write a template string"),
    (r"\barguments\b", "arguments: write rest parameters"),
    (r"\.prototype\.", "a prototype: write a class"),
    (r"\brequire\(", "require(): write import where the file is a module"),
    (r"\.indexOf\([^)\n]{0,200}\)\s*(?:!==?|===?|>|>=)\s*-?[01]",
     "indexOf in a test: write includes"),
    (r"&&\s*\w+\.\w+|\w \? \w+\.\w+ :", "a check before each dot: write ?."),
    (r"for\s*\(\s*(?:var|let)\s+\w+\s*=\s*0", "a counting loop: write for (const item of items)"),
)  # fmt: skip
_FORMS = {
    "python": _PYTHON,
    **dict.fromkeys(("javascript", "typescript", "tsx"), _JAVASCRIPT),
    "java": (
        (r"new \w+<\w[\w, ]*>\(", "types repeated after new: write <>"),
        (r"\bnew \w+\(\) \{\s*$", "an anonymous class: write a lambda where it has one method"),
        (r"for \(int \w+ = 0", "a counting loop: write a for-each loop"),
        (r"\binstanceof\b", "instanceof with a cast after it: write a pattern"),
        (r"\bVector\b|\bHashtable\b|\bStringBuffer\b", "collections of Java 1"),
    ),
    "go": (
        (r"\binterface\{\}", "interface{}: write any"),
        (r"\bioutil\.", "ioutil: use io and os"),
        (r"for \w+ := 0; \w+ < len\(", "a counting loop: write for range"),
        (r"\berr == \w+\.Err|\berr == io\.EOF", "errors compared with ==: write errors.Is"),
    ),
    "rust": (
        (r"\btry!\(", "try!: write ?"),
        (r"\bextern crate\b", "extern crate: leave it out"),
        (
            r"format!\(\"[^\"]{0,200}?\{\}[^\"]{0,200}\", \w+\)",
            "format! with an argument: name it in braces",
        ),
    ),
    "cpp": (
        (r"\bNULL\b", "NULL: write nullptr"),
        (r"\bnew \w+|\bdelete\b", "new and delete: use std::unique_ptr"),
        (r"for \((?:int|size_t) \w+ = 0", "a counting loop: write a range-based for"),
        (r"\btypedef\b", "typedef: write using"),
    ),
}
_PATTERNS = {
    name: tuple((re.compile(pattern, re.MULTILINE), hint) for pattern, hint in forms)
    for name, forms in _FORMS.items()
}


def old_forms(path: str, code: str) -> list[str]:
    """What in these lines is written in an older way, each once, at most MAX_HINTS."""
    language = language_of(path)
    forms = _PATTERNS.get(language.name, ()) if language else ()
    return [hint for pattern, hint in forms if pattern.search(code)][:MAX_HINTS]
