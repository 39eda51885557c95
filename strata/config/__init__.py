"""The long tables of the settings, and what some of them follow from. Nothing here reads the environment."""
