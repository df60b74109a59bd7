"""Writes what the model was asked into the record, for the server and the command line alike."""

from __future__ import annotations

import logging
from collections.abc import Callable

from lsp.settings import Settings
from models.audit import Entry, Level, Outcome, Record, RecordUnwritable, entry_of, proposal_entry
from models.findings import Finding, Proposal
from models.tasks.explain import Explanation

logger = logging.getLogger(__name__)


def record_of(settings: Settings) -> Record:
    return Record(settings.data_dir / "record.jsonl")


class Recorder:
    """Never in the way: what cannot be written is said once and the work goes on."""

    def __init__(self, settings: Settings, say: Callable[[str], None]) -> None:
        self._level = settings.record
        self._record = record_of(settings)
        self._say = say
        self._has_complained = False

    def finding(self, task: str, finding: Finding) -> None:
        self._append(
            entry_of(
                task, Outcome.FINDING, finding.provenance, text=finding.cause, level=self._level
            )
        )

    def explanation(self, explanation: Explanation) -> None:
        self._append(
            entry_of(
                "explain",
                Outcome.EXPLAINED,
                explanation.provenance,
                text=explanation.text,
                level=self._level,
            )
        )

    def proposal(self, task: str, proposal: Proposal) -> None:
        outcome = Outcome.OFFERED if proposal.edits or proposal.new_files else Outcome.REFUSED
        self._append(proposal_entry(proposal, outcome, task, self._level))

    def applied(self, proposal: Proposal) -> None:
        self._append(proposal_entry(proposal, Outcome.APPLIED, "edit", self._level))

    def _append(self, entry: Entry) -> None:
        if self._level is Level.OFF:
            return
        try:
            self._record.append(entry)
        except RecordUnwritable as error:
            logger.info("%s", error)
            if not self._has_complained:
                self._has_complained = True
                self._say(str(error))
