"""Checks of assets: their types, accounts, terms and shares."""
