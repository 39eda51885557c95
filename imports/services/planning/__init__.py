"""Plans what becomes of the rows of a file. Only the preview itself is written."""
