"""Journals of plain text accounting."""
