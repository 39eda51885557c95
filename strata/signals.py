"""What the kernel tells the apps above it."""

from django.dispatch import Signal

# Sent at a login by the API or the admin, once the password is known to be right, with `user`.
logged_in = Signal()
