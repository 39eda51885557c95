"""Strata: what a household owns and owes, and what it is worth on any day."""

__version__ = "0.1.0"
