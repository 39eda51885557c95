"""Reading the past: what the journal has of it, and how statements come to read it."""
