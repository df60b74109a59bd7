"""`python -P -m lsp` is `postil`."""

from lsp.cli import main

main()
