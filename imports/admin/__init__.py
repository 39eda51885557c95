"""The pages of imports: drop a file, look at its preview, answer, import, undo."""
