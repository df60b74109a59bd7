"""From a context window to an answer that can be checked. May import `context`, never `lsp`."""
