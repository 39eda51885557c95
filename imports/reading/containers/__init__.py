"""Files that are no table: what is in them, as rows or as a tree."""
