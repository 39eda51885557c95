"""Ids that sort by time, so that millions of rows are added at the end of their index."""

from uuid import UUID

from uuid_utils import compat


def uuid7() -> UUID:
    """A UUID of version 7."""
    return compat.uuid7()
