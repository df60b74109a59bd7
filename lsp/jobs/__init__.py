"""The jobs behind commands and code actions: one module a kind, one function a job.

They take plain data and a session, read texts from the session, ask the workspace and the model,
and leave notes and diagnostics. Edits are returned, never applied here.
"""
