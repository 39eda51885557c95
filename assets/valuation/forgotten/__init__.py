"""Derived data that was deleted, or is out of date as a whole, until it is derived again."""
