"""Secrets in text: keys, tokens and passwords that no model is shown.

Files that are secrets by their name never get into the index (context/ignore.py). This finds those
that stand inside code and reports: by the forms that issuers give their tokens, by the name of what
they are assigned to, and by how random they look. Each is replaced by a name of its own, so that
line numbers stay right and an edit can be given the secret back on this machine.

In a file of settings a password may be any word: there what stands after such a name is hidden.

Too much is hidden rather than too little: a digest in a test looks like a key. Nothing is lost by
it, since what is hidden comes back in an edit.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from context.text import Span, encode

PLACEHOLDER = "POSTIL_HIDDEN_{n}"
NAME = re.compile(PLACEHOLDER.format(n=r"\d+") + r"\b")
GONE = "[secret]"  # in the place of one that has no name
MIN_RANDOM = 20  # characters of a string that is judged by its look
MIN_HEX = 32
# Bits a character; English words have 2.5 to 3.5, random base64 of 24 characters above 4.
MIN_ENTROPY, MIN_HEX_ENTROPY = 3.9, 3.0

# What issuers document of their tokens.
_ISSUED = re.compile(
    r"\b(?:(?:AKIA|ASIA|AROA|AIDA)[A-Z0-9]{16}"  # AWS
    r"|gh[pousr]_[A-Za-z0-9]{36,255}|github_pat_\w{40,255}"
    r"|glpat-[\w-]{20,64}"  # GitLab
    r"|xox[abeoprs]-[\w-]{10,255}"  # Slack
    r"|AIza[\w-]{35}"  # Google
    r"|(?:sk|rk|pk)_(?:live|test)_[A-Za-z0-9]{16,255}"  # Stripe
    r"|sk-(?=[\w-]{0,200}\d)[\w-]{20,255}"  # OpenAI, Anthropic, DeepSeek
    r"|hvs\.[\w-]{24,255}"  # Vault
    r"|hooks\.slack\.com/services/[\w/]{20,80}|discord(?:app)?\.com/api/webhooks/\d{6,20}/[\w-]{40,90}"
    r"|npm_[A-Za-z0-9]{36}|pypi-[\w-]{50,255}|hf_[A-Za-z0-9]{30,64}"
    r"|SG\.[\w-]{16,64}\.[\w-]{16,128}"  # SendGrid
    r"|GOCSPX-[\w-]{20,64}|ya29\.[\w.-]{20,512}"  # Google, too
    r"|\d{8,10}:AA[\w-]{33}"  # Telegram
    r"|eyJ[\w-]{8,4096}\.eyJ[\w-]{8,8192}\.[\w-]{0,2048})"  # JSON web tokens
)
# One of these is in each of them. Each begins with letters, for which there is a fast search; the
# forms together, or these in one expression, take 20 times as long.
_ISSUERS = tuple(
    re.compile(start)
    for start in (
        "A(?:[KS]IA|ROA|IDA|Iza)", "gh[pousr]_", "github_pat_", "glpat-", "xox", "k_(?:live|test)_",
        "sk-", "npm_", "pypi-", "hf_", "SG[.]", "eyJ", "GOCSPX-", "ya29[.]", ":AA", "hvs[.]",
        "hooks[.]slack", "api/webhooks",
    )
)  # fmt: skip
_IN_URL = re.compile(
    r"://(?<=[a-z0-9+.-]://)[^\s/:@'\"]{0,64}:([^\s/@'\"{}<>$](?:[^\s/@'\"{}<>$]|\$(?![{(])){2,200})@"
)
_HEADERS = ("Bearer ", "Basic ", "AccountKey=")
_IN_HEADER = re.compile(
    r"\b(?:Bearer|Basic) ([A-Za-z0-9+/._~-]{16,2000}={0,2})|\bAccountKey=([\w+/=]{40,})"
)
# Names of what is secret; a key is one only after a word that says so. Looked for as words, in
# lower case, which takes a tenth of the time of one expression without regard to case.
_NAMES = ("password", "passwd", "passphrase", "secret", "token", "credential")
_KEY, _BEFORE_KEY = (
    "key",
    re.compile(r"(?:api|access|private|auth|signing|encryption|account|master)[_-]?$"),
)
# Alone or at the end of a name; Python's `pass` stands alone on its line.
_SHORT_NAMES, _LETTER = ("pass", "passw", "pwd"), re.compile("[a-z]")
_AFTER_SHORT = frozenset("\"'=: ]_-")
# What the rest of a name says that it is no secret: a tokenizer, the URL of a token, a secret's
# name, the field of a password.
_OTHER_THING = re.compile(
    r"(?:i[sz](?:e|ing|ation))|[\w-]{0,24}?(?:ur[il]|path|file|name|type|kind|field|header|label"
    r"|pattern|regex|endpoint|param|hasher|text|placeholder|message|error|hint|title)s?(?![a-z])",
    re.IGNORECASE,
)
# A type between a name and what it is given: `: str =`, `: &'static str =`, Go's ` string =`. Only
# one that holds text: `if token: kind = "..."` gives nothing to the token. What is in brackets may
# hold commas; outside of them one ends a parameter.
_TEXT_TYPE = (
    r"[?!]?\s{0,4}:(?=[^=\n]{0,60}(?:[Ss]tr|bytes|[Cc]har|Text|Final|Any|u8))"
    r"(?:[\w.&*?|!:<>' \t]|\[[^\]\n=]{0,60}\]){1,80}"
    r"|[ \t]{1,4}\*?string[ \t]{0,4}"
)
_GIVEN = re.compile(
    r"s?[\w-]{0,24}[\"']?(?:\[\w{0,16}\]|\])?"  # a[b], and what is given to o["name"]
    rf"(?:\s{{0,4}}(?:[:=]|=>|:=)|(?:{_TEXT_TYPE})=)"
    r"\s{0,4}(?:String::from\(|\()?\s{0,12}[A-Za-z@$]{0,2}\#{0,2}"
    r"(\"{3}|'{3}|[\"'`])([^\"'`\s]{8,400})\1"
)
# What it is given where nothing else gives it: `process.env.KEY || "..."`.
_OR_GIVEN = re.compile(
    r"s?[\w-]{0,24}\s{0,4}[:=]\s{0,4}[\w.\[\]()$ \"']{1,60}?(?:\|\||\?\?|\bor\b)\s{0,4}"
    r"([\"'`])([^\"'`\s]{8,400})\1"
)
# Compared with what is named like a secret, handed to what sets one, or with it by its name: a word
# alone is a name. `<password>...</password>`, too.
_HANDED = re.compile(
    r"s?[\w-]{0,24}[\"']?\]?\s{0,4}"
    r"(?:[=!]==?\s{0,4}|\(|(?<=[\"']),\s{0,4}(?:default\s{0,2}=\s{0,2})?)"
    r"[rbfRBF]?([\"'`])([^\"'`\s]{8,400})\1"
)
_IN_TAGS = re.compile(r"s?(>)([^<>\s]{6,200})</")
# Of a connection, in a text: `host=db password=...`.
_IN_TEXT = re.compile(
    r"[\"'][^\"'\n]{0,200}?\b(?:password|passwd|pwd)=([^\s\"'`;&<>{}$()]{6,200})", re.IGNORECASE
)
# Without quotes, as in YAML, .ini, .env and shell: to the end of the line.
_BARE = re.compile(
    r"s?[\w-]{0,24}[ \t]{0,4}[:=][ \t]{0,4}([^\s\"'`(){}\[\]<>;,$.]{8,400})(?=[ \t]*(?:[#;]|\r?$))",
    re.MULTILINE,
)
_SIGN = re.compile(r"[!@#%^&*~?]")
# In files of settings, which give values to names and do nothing else: any value, quoted or not.
_SETTINGS = (".yaml", ".yml", ".toml", ".ini", ".cfg", ".conf", ".properties", ".json")
_SET = re.compile(
    r"[\"']?[ \t]{0,4}[:=][ \t]{0,4}"
    r"(?:([\"'])([^\"'\n]{4,400})\1|([^\s\"'#;,(){}\[\]<>|*&!$][^\s\"'#;,(){}\[\]]{3,400}))"
    r"(?=,?[ \t]*(?:[#;]|\r?$))",
    re.MULTILINE,
)
# A reference, the name of a variable, a type, a package's version: not the secret itself.
_NOT_SET = re.compile(
    r"\$[{(\w]|\{\{|<|%[({]|(?:vault|env|ssm|arn|file|https?|op):|[./~]"
    rf"|\[?{PLACEHOLDER.format(n='')}"
    r"|[\^~]?\d+\.\d+\.\d|(?-i:[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+$)"
    r"|(?:true|false|null|none|yes|string|str|text|password|secret|token|required|optional"
    r"|disabled|enabled|default|never|always|inherit|read|write)$",
    re.IGNORECASE,
)
_STRING = re.compile(rf"([\"'`])([A-Za-z0-9+/=_\-]{{{MIN_RANDOM},2000}})\1")
_ARMOUR = re.compile(
    r"-----(BEGIN|END) [A-Z0-9 ]{0,40}?(?:PRIVATE KEY|CERTIFICATE)[A-Z0-9 ]{0,40}-----"
)
_ARMOURED = re.compile(r"[A-Za-z0-9+/]{4,}={0,2}")
_ARMOUR_LINE = re.compile(r"(?<!\\)(?:\\[nr])+|\r?\n")  # what ends one: in a literal, too
# A row by itself, quoted or not, or nothing.
_ARMOURED_LINE = re.compile(r"[\s\"'`+,#*>|\\]{0,40}(?:[A-Za-z0-9+/]{4,}={0,2})?[\s\"'`+,\\]{0,40}")
# Of a block that is shown in part: its lines are of 64 or 76 characters, or in one row.
_ARMOURED_ROW = re.compile(r"[A-Za-z0-9+/]{40,}={0,2}")
_ARMOUR_HEAD = re.compile(r"\s*(?:[A-Z][\w-]{1,30}: .{1,100})?")  # `Proc-Type: 4,ENCRYPTED`
_LAST_ROW = re.compile(r"[\s\"'+]*([A-Za-z0-9+/]{4,76}={0,2})[\s\"'+,\\n]*")
_HEX = re.compile(r"[0-9a-fA-F]+")
_ISSUED_HEX = re.compile(r"(?:[a-z]{2,10}(?:_v\d)?_|dapi)([0-9a-f]{32,})")  # shpat_, dop_v1_, sbp_
_WORDS = re.compile(r"[A-Z]?[a-z]{4,}|[A-Z]{5,}")
_NO_SECRET = re.compile(
    r"\$\{|\{\{|<[|/]?[a-z]|%\(|^(.)\1+$|^[a-z_.]+$|^[A-Z_.]+$|^[A-Za-z]+$|^/|^https?://[^@]*$"
    rf"|^{PLACEHOLDER.format(n='[0-9]+')}$",
    re.MULTILINE,
)


@dataclass(frozen=True, slots=True)
class Hidden:
    """One secret and the name that stands for it."""

    placeholder: str
    secret: str


class Hider:
    """Hides secrets in several texts; the same secret gets the same name in all of them."""

    def __init__(self) -> None:
        self._names: dict[str, str] = {}

    @property
    def hidden(self) -> tuple[Hidden, ...]:
        return tuple(Hidden(name, secret) for secret, name in self._names.items())

    def hide(self, text: str, path: str = "") -> str:
        """What looks like one of the names is hidden as well, so that it comes back as it was."""
        names = [Span(*hit.span()) for hit in NAME.finditer(text)]
        parts: list[str] = []
        at = 0
        for span in _apart([*_all_of(text, path), *names]):
            secret = text[span.start : span.end]
            name = self._names.get(secret)
            if name is None:  # in the order in which they are read: a small model counts them so
                name = self._names[secret] = PLACEHOLDER.format(n=len(self._names) + 1)
            parts += text[at : span.start], name
            at = span.end
        return "".join([*parts, text[at:]])


def without_secrets(text: str) -> str:
    """`text` with its secrets gone for good."""
    for span in reversed(find_secrets(text)):
        text = f"{text[: span.start]}{GONE}{text[span.end :]}"
    return text


def blank_secrets(text: str, path: str = "") -> str:
    """`text` with as many letters x for its secrets as they have bytes in UTF-8.

    What is code stays code, with all of it at the same bytes. The same object when there are none.
    """
    for span in reversed(find_secrets(text, path)):
        blank = "x" * len(encode(text[span.start : span.end]))
        text = f"{text[: span.start]}{blank}{text[span.end :]}"
    return text


def reveal(text: str, hidden: tuple[Hidden, ...]) -> str:
    """`text` with the secrets back in place of their names."""
    secrets = {one.placeholder: one.secret for one in hidden}
    return NAME.sub(lambda hit: secrets.get(hit[0], hit[0]), text)


def conceal(text: str, hidden: tuple[Hidden, ...]) -> str:
    """`text` for a model's eyes: secrets that have names under these, all others gone for good."""
    for one in sorted(hidden, key=lambda one: -len(one.secret)):
        whole = rf"(?<!\w){re.escape(one.secret)}(?!\w)"
        text = re.sub(whole, one.placeholder, text)
    return without_secrets(text)


def find_secrets(text: str, path: str = "") -> list[Span]:
    """Spans of secrets, in order, none of them over more than one line.

    `path`: of the file that the text is of, or from; empty where it is of none.
    """
    return _apart(_all_of(text, path))


def _apart(found: Iterable[Span]) -> list[Span]:
    """In order; of two that overlap the first, or the longer one."""
    spans: list[Span] = []
    for span in sorted(found, key=lambda s: (s.start, -s.end)):
        if not spans or span.start >= spans[-1].end:
            spans.append(span)
    return spans


def _all_of(text: str, path: str) -> Iterator[Span]:
    yield from _armoured(text)
    if any(start.search(text) for start in _ISSUERS):
        for hit in _ISSUED.finditer(text):
            yield Span(*hit.span())
    for hit in _IN_URL.finditer(text):
        yield Span(*hit.span(1))
    if any(start in text for start in _HEADERS):
        for hit in _IN_HEADER.finditer(text):
            if any(letter.isdigit() for letter in hit[0]):
                yield Span(*hit.span(hit.lastindex or 0))
    yield from _assigned(text, is_settings=path.lower().endswith(_SETTINGS))
    for hit in _STRING.finditer(text):
        if _looks_random(hit[2]):
            yield Span(*hit.span(2))


def _assigned(text: str, *, is_settings: bool) -> Iterator[Span]:
    """What is given to, or compared with, what is named like a secret."""
    lower = text.lower()
    if len(lower) != len(text):  # a few capitals are two letters in lower case
        lower = "".join(letter if letter.isascii() else " " for letter in text).lower()
    for told in _IN_TEXT.finditer(text) if "pwd=" in lower or "passw" in lower else ():
        if _has_digit_and_letter(told[1]):
            yield Span(*told.span(1))
    for end in _ends_of_names(lower):
        if _OTHER_THING.match(text, end):
            continue
        if is_settings and (hit := _SET.match(text, end)) is not None:
            group = 2 if hit[1] else 3
            if not _NOT_SET.match(hit[group]):
                yield Span(*hit.span(group))
        elif (hit := _GIVEN.match(text, end)) is not None:
            if not _NO_SECRET.search(hit[2]):
                yield Span(*hit.span(2))
        elif (hit := _first_match((_HANDED, _OR_GIVEN, _IN_TAGS), text, end)) is not None:
            if not _NO_SECRET.search(hit[2]) and _has_digit_and_letter(hit[2]):
                yield Span(*hit.span(2))
        elif (hit := _BARE.match(text, end)) is not None and _is_no_name(hit[1]):
            yield Span(*hit.span(1))


def _first_match(patterns: Iterable[re.Pattern[str]], text: str, at: int) -> re.Match[str] | None:
    return next((hit for pattern in patterns if (hit := pattern.match(text, at))), None)


def _has_digit_and_letter(text: str) -> bool:
    return any(c.isdigit() for c in text) and any(c.isalpha() for c in text)


def _is_no_name(text: str) -> bool:
    """Whether a word without quotes is a value: a name of code has no signs and is not random."""
    if _NO_SECRET.search(text) or not _has_digit_and_letter(text):
        return False
    return _SIGN.search(text) is not None or (len(text) >= MIN_RANDOM and _looks_random(text))


def _ends_of_names(lower: str) -> Iterator[int]:
    for word in _NAMES:
        yield from _ends_of(word, lower)
    for end in _ends_of(_KEY, lower):
        if _BEFORE_KEY.search(lower[max(0, end - len(_KEY) - 12) : end - len(_KEY)]):
            yield end
    for word in _SHORT_NAMES:
        for end in _ends_of(word, lower):
            is_part = _LETTER.fullmatch(lower[max(0, end - len(word) - 1) : end - len(word)])
            if lower[end : end + 1] in _AFTER_SHORT and not is_part:
                yield end


def _ends_of(word: str, lower: str) -> Iterator[int]:
    at = lower.find(word)
    while at >= 0:
        yield at + len(word)
        at = lower.find(word, at + len(word))


def _armoured(text: str) -> Iterator[Span]:
    """Lines of PEM blocks, without the lines that say what they are.

    A block whose other end is not there is hidden as far as it looks like one.
    """
    start: int | None = None
    end = 0
    for hit in _ARMOUR.finditer(text):
        if hit[1] == "BEGIN":
            if start is not None:
                yield from _rows_after(text, start, hit.start())
            start = hit.end()
        elif start is not None:
            yield from _block(text, start, hit.start())
            start = None
        else:
            yield from _rows_before(text, end, hit.start())
        end = hit.end()
    if start is not None:
        yield from _rows_after(text, start, len(text))


def _block(text: str, start: int, stop: int) -> Iterator[Span]:
    """Rows between two ends; where code stands between them these are no block, but two texts."""
    lines = _ARMOUR_LINE.split(text[start:stop])
    if all(_ARMOURED_LINE.fullmatch(line) or _ARMOUR_HEAD.fullmatch(line) for line in lines):
        for row in _ARMOURED.finditer(text, start, stop):
            yield Span(*row.span())
    else:
        yield from _rows_after(text, start, stop)
        yield from _rows_before(text, start, stop)


def _rows_after(text: str, start: int, stop: int) -> Iterator[Span]:
    """Rows of a block that begins at `start` and ends nowhere; `stop`: where the next thing is."""
    at, is_first = start, True
    while at < stop:
        line_end = text.find("\n", at, stop)
        line_end = stop if line_end < 0 else line_end
        row = _ARMOURED_ROW.search(text, at, line_end)
        if row is not None:
            yield Span(*row.span())
        elif not is_first and not _ARMOUR_HEAD.fullmatch(text, at, line_end):
            return
        at, is_first = line_end + 1, False


def _rows_before(text: str, start: int, stop: int) -> Iterator[Span]:
    """Rows of a block that ends at `stop` and begins nowhere; the last of them may be short."""
    at = stop
    short: Span | None = None
    while at > start:
        line_start = max(text.rfind("\n", start, at) + 1, start)
        row = _ARMOURED_ROW.search(text, line_start, at)
        if row is not None:
            if short is not None:
                yield short
                short = None
            yield Span(*row.span())
        elif at < stop and short is None and (last := _LAST_ROW.fullmatch(text, line_start, at)):
            short = Span(*last.span(1))
        elif at < stop:
            return
        at = line_start - 1


def _looks_random(text: str) -> bool:
    if issued := _ISSUED_HEX.fullmatch(text):
        text = issued[1]
    if _HEX.fullmatch(text):
        return len(text) >= MIN_HEX and _entropy(text.lower()) >= MIN_HEX_ENTROPY
    classes = sum(bool(re.search(c, text)) for c in (r"[a-z]", r"[A-Z]", r"\d"))
    worded = sum(len(word) for word in _WORDS.findall(text))
    return classes >= 3 and worded < 0.6 * len(text) and _entropy(text) >= MIN_ENTROPY


def _entropy(text: str) -> float:
    """Shannon's, in bits a character."""
    return -sum(n / len(text) * math.log2(n / len(text)) for n in Counter(text).values())
