"""The writers of instruments: their actions, prices and where prices come from."""
