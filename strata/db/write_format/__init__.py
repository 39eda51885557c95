"""The format in which the database is written: which versions of Strata may write it (docs/decisions/0051)."""
