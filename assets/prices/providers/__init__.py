"""Providers of prices: each reads the prices of a symbol from one kind of source. None of them writes anything."""
