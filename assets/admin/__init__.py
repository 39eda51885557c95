"""Assets, their values and movements, what sorts them, and the rates, in the admin."""

from assets.admin import asset, entries, rates, taxonomy

__all__ = ["asset", "entries", "rates", "taxonomy"]
