"""Writes what a preview shows, and undoes it."""
