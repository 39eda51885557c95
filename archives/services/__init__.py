"""Writing the archive of a household, checking one, and restoring it."""
