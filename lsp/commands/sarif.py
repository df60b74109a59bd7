"""Findings as SARIF 2.1.0, which code hosts and editors show (OASIS standard, 27 March 2020)."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

from context.text import Text
from lsp import __version__
from lsp.commands.findings import finding_data, model_data
from lsp.to_lsp import visible
from models.findings import Finding

SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"  # named by the standard's files, not read
RULE_ID = "POSTIL0001"
MAX_RELATED = 10
_OF_LINKS = re.compile(r"[\\\[\]]")  # what the standard has escaped in a message (3.11.6)


def sarif_log(
    root: Path, findings: Sequence[Finding], left: str, text_of: Callable[[str], Text]
) -> dict[str, Any]:
    """`left`: what was not read, in a sentence, or "".

    No file's text is put in; the model's words, which are, may quote lines of code.
    """
    notes = [{"level": "note", "message": {"text": _message(left)}}] if left else []
    run = {
        "tool": {"driver": _driver()},
        "columnKind": "unicodeCodePoints",
        "originalUriBaseIds": {"SRCROOT": {"uri": f"{root.as_uri()}/"}},
        "invocations": [{"executionSuccessful": True, "toolExecutionNotifications": notes}],
        "results": [_result(finding, text_of(finding.path)) for finding in findings],
    }
    return {"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}


def _driver() -> dict[str, Any]:
    told = "Found by a local language model, which is often wrong. Read its reasoning and the code."
    rule = {
        "id": RULE_ID,
        "name": "PossibleBug",
        "shortDescription": {"text": "A language model sees a bug here."},
        "fullDescription": {"text": told},
        "help": {"text": told},
        "defaultConfiguration": {"level": "warning"},
    }
    return {"name": "Postil", "version": __version__, "rules": [rule]}


def _result(finding: Finding, text: Text) -> dict[str, Any]:
    first, last = finding.start_line, finding.end_line
    code = "\n".join(line.strip() for line in text.lines(first, last))
    same = hashlib.sha256(f"{finding.path}\n{finding.symbol}\n{code}".encode("utf-8", "replace"))
    result: dict[str, Any] = {
        "ruleId": RULE_ID,
        "ruleIndex": 0,
        "level": "warning",
        "message": {"text": _message(finding.cause)},
        "locations": [{"physicalLocation": _physical(finding.path, first, last)}],
        "partialFingerprints": {"postilFinding/v1": same.hexdigest()},
        "properties": {
            "postil": {
                **{k: visible(v) if isinstance(v, str) else v
                   for k, v in finding_data(finding).items()},
                "model": model_data(finding.provenance.model),
            }
        },
    }  # fmt: skip
    if finding.symbol:
        result["locations"][0]["logicalLocations"] = [{"fullyQualifiedName": finding.symbol}]
    if related := _related(finding):
        result["relatedLocations"] = related
    return result


def _related(finding: Finding) -> list[dict[str, Any]]:
    """What the reasoning refers to, of what was shown."""
    cited = [c for c in finding.provenance.citations.found if c.is_shown and c.path is not None]
    places = {(c.path, c.line or 1): c.written for c in cited}
    return [
        {
            "id": number,
            "physicalLocation": _physical(path, line, line),
            "message": {"text": _message(written)},
        }
        for number, ((path, line), written) in enumerate(list(places.items())[:MAX_RELATED])
        if path is not None
    ]


def _physical(path: str, first: int, last: int) -> dict[str, Any]:
    return {
        "artifactLocation": {"uri": quote(path), "uriBaseId": "SRCROOT"},
        "region": {"startLine": first, "endLine": last},
    }


def _message(words: str) -> str:
    """Harmless words: in a message `[text](place)` would be a link, however it is spelled."""
    return _OF_LINKS.sub(r"\\\g<0>", visible(words).strip())
