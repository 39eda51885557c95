"""Connections, locks and transactions: what is needed of a database, and nothing about Strata's rows."""
