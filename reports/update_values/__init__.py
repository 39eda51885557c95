"""The page "Update values": new values of all current assets of a portfolio in one table."""
