"""Notifications of the client. None of them waits: what takes time becomes a task."""
