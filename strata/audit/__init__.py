"""Who writes, when, the journal of all writes, and reading the past from it."""
