"""The only writers of households, their members and portfolios."""
