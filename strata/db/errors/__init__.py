"""The meaning of errors of the database."""
