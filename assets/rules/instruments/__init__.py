"""Checks of instruments, their actions, their prices and where these come from; of exchange rates."""
