"""Who writes and when, the journal of all writes, and how the past is read from it."""
