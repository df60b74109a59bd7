"""The only code that speaks the Language Server Protocol, and the command line."""

__version__ = "0.1.0"
