"""The fixtures of the server's tests serve here, too."""

from tests.lsp.conftest import script, shop, start, start_both, start_here

__all__ = ["script", "shop", "start", "start_both", "start_here"]
