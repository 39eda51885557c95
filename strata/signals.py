"""Signals that the kernel sends to the apps above it."""

from django.dispatch import Signal

# Sent at a login by the API or the admin, after the password was checked. Argument: `user`.
logged_in = Signal()
