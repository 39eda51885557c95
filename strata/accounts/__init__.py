"""Users, their tokens and passwords, and how they log in."""
