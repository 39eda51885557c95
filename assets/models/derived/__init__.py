"""What is computed from recorded rows and can be rebuilt: months of values and deltas, packed prices, gaps."""
