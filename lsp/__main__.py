"""`python -P -m lsp` is `postil`."""

from lsp.entry import main

main()
