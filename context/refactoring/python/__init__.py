"""Refactorings of Python, by rope over texts in memory, each checked again by other means."""
