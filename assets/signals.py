"""What other apps may forbid: sent in the write's transaction, its guards locked. A receiver raises Conflict."""

from django.dispatch import Signal

# With `asset`: it is about to go to a portfolio of another household, and what is below it goes with it.
asset_leaves_household = Signal()
# With `category` and `parent_id`: it is about to be put below that category, or with None at the top.
category_moves = Signal()
