"""The signal that tells other apps of a new household."""

from django.dispatch import Signal

# Sent in the transaction that creates a household, with `household`. Receivers add the start data of their app.
household_created = Signal()
