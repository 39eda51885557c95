"""Formats: each converts a document to plain rows. Pure: no database, no Django, no network."""
