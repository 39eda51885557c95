"""Signals by which other apps can refuse a write.

They are sent within the write's transaction, with its guards locked; a receiver refuses by raising Conflict.
"""

from django.dispatch import Signal

# Argument `asset`: it is about to move to a portfolio of another household, with its values and transactions.
asset_leaves_household = Signal()
# Arguments `category` and `parent_id`: the category is about to move below that parent (None: to the top).
category_moves = Signal()
