"""The formats in which Django reads and writes days and times: ISO 8601 (FORMAT_MODULE_PATH)."""
