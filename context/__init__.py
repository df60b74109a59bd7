"""From a workspace to the text that a model should see.

Imports nothing else of ours: `context` <- `models` <- `lsp` (tests/test_imports.py holds this).
"""
