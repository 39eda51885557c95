"""What the kernel tells the apps above it."""

from django.dispatch import Signal

# Sent by POST auth/token once the password is known to be right, with `user`.
logged_in = Signal()
