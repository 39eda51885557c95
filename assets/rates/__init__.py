"""Exchange rates: read from files, written to the database, and loaded into a RateBook (module `book`, pure)."""
