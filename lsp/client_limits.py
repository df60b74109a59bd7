"""What the connected editor does not take, and what a person misses by it: for the doctor."""

from __future__ import annotations

from lsp.capabilities import ClientCapabilities
from lsp.checks import Row, Status

_WITHOUT = (
    ("takes_actions", "actions are listed by their titles alone"),
    ("resolves_edits", "an action's edit comes when it is chosen, through a command"),
    ("document_changes", "edits carry no version, and none can make a file"),
    ("annotates", "nothing can be asked before an edit, so edits of files that run are refused"),
    ("creates_files", "no test can be written into a new file"),
    ("disables_actions", "what cannot be had is not listed with its reason"),
    ("markdown", "hovers are plain text"),
    ("progress", "no progress is shown, and nothing to cancel by"),
    ("watches", "files changed by other programs are seen by Postil's own watch"),
    ("describes_codes", "a diagnostic has no link to its reasoning"),
    ("opens_content", "the reasoning is no document; the command postil.trace gives its text"),
    ("configured", "settings are those of the start"),
    ("told_status", "no status is shown"),
    ("told_suspects", "suspects are shown as diagnostics alone"),
    ("told_thinking", "the thinking is not shown as it comes"),
)


def client_row(client: ClientCapabilities) -> Row:
    missed = [words for name, words in _WITHOUT if not getattr(client, name)]
    if not missed:
        return Row("editor", Status.FINE, "takes all that Postil offers")
    return Row("editor", Status.NOTE, "does without some of it", "\n".join(missed))
