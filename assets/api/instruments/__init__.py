"""The API of instruments, such as shares, funds and indices."""
