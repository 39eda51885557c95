"""Exchange rates: read from files, written, and loaded into a book of rates (`book`, which is pure)."""
