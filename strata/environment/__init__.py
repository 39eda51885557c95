"""Reading settings from the environment, before Django is set up."""
