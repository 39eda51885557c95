"""A portfolio as a file that other programs, and Strata, read: every recorded value, or a whole ledger."""
