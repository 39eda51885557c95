"""The database engine for SQLite."""
