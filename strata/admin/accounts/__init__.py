"""The admin's pages of users, households, log in, passwords and tokens."""
