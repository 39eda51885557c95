"""Statements of banks and brokers."""
