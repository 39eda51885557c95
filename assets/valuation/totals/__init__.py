"""Totals of many assets at once, as plain calculations."""
