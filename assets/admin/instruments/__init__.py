"""The admin pages of instruments, their prices and corporate actions, and of price sources."""

from assets.admin.instruments import page, sources

__all__ = ["page", "sources"]
