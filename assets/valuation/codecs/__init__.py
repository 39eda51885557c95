"""How a month of values and of deltas is packed into bytes, and read again. Pure."""
