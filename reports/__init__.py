"""What assets add up to."""
