"""Shared by every API resource: fields, parsers, errors, pagination, views."""
