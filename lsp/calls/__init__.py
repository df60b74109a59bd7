"""The commands between their argument and their result in the client's terms, a module a kind.

What is done is done by lsp/jobs; which command is which stands in lsp/command_table.py.
"""

Token = int | str | None  # of the work-done progress that the client gave, if it did
