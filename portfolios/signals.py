"""What other apps may want to know of."""

from django.dispatch import Signal

# Sent in the transaction that makes a household, with `household`: whoever has a start to give it gives it then.
household_created = Signal()
