"""Exact numbers, days, names and ids: as model fields and as plain functions."""
