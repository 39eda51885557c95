"""Connections, locks and transactions. Nothing here knows Strata's tables."""
