"""What is wrong with how a command was called, where only the command can tell."""

from __future__ import annotations


class BadUse(Exception):
    """One sentence for the user; the command ends with 2."""
