"""Which household a row is in, who may do what with it, and what guards a write of it."""
