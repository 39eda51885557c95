"""The only writers of stored totals, targets and dismissed findings."""
