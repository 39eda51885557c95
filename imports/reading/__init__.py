"""Reads files without knowing what they are about: bytes to tables of cells, and cells to numbers, days and currencies.

Pure: no database, no Django, no network.
"""
