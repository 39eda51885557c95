"""The file of an archive: a zip of JSON lines, and what is refused as broken, unsafe or too large."""
