"""How days and times are written and read wherever Django does it: as ISO 8601 has them (FORMAT_MODULE_PATH)."""
