"""Where the `postil` command begins: the language server without the command line's libraries.

An editor waits for the server's first answer; only a person needs help texts and colours.
"""

from __future__ import annotations

import sys


def main() -> None:
    if sys.argv[1:] == ["serve"]:
        from lsp.server import serve_stdio

        serve_stdio()
    from lsp.cli import main as command_line

    command_line()
