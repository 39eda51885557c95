"""The rows of an archive: which tables and columns it has, how a value is written, and how it is checked."""
