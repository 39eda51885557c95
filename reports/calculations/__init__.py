"""Pure calculations: frozen values in, frozen values out; no database, no clock, no settings."""
