"""The database engines of settings.DATABASES."""
