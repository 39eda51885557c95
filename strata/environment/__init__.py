"""How the settings are read from the environment, before there is a Django."""
