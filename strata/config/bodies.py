"""How large a request's body may be on routes that take more than others. deploy/nginx.conf has the same."""

from __future__ import annotations

MIB = 1024 * 1024


def of_batches(usual: int) -> dict[str, int]:
    """By path, of the routes that take many rows; `usual` is the limit of all others."""
    return {
        "/api/v1/values:batch": max(usual, 8 * MIB),
        "/api/v1/transactions:batch": max(usual, 8 * MIB),
        "/api/v1/prices:batch": max(usual, 16 * MIB),
    }


def of_files(imports: int, archives: int) -> dict[str, int]:
    """By path, of the routes that take a file: its body is spooled to disk, and has the file and some fields."""
    fields = 64 * 1024
    return dict.fromkeys(("/api/v1/imports", "/admin/import"), imports + fields) | dict.fromkeys(
        ("/api/v1/archives", "/admin/archives"), archives + fields
    )
