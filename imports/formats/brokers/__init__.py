"""Formats of brokers."""
