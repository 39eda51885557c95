"""What writes assets and what belongs to them."""
