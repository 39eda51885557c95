"""The admin's first page of a user without assets: what they own and owe, on one page."""
