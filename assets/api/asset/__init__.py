"""The API of one asset: its fields, order, current value, moves, terms, shares and equity."""
