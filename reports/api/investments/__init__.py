"""The API of what was bought and sold: lots, gains, income and returns."""
