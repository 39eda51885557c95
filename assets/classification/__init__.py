"""The tree of categories and the starter data: pure, without Django."""
