"""The page /admin/statement/: what a portfolio holds and owes on a day, on one sheet of paper."""
