"""A household's archive: a file with all of its rows, its history and the rates it needs; and restoring it."""
