"""Which household a row belongs to, who may do what with it, and which rows are locked for a write of it."""
