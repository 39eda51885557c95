"""Files of other programs that count what one owns, spends or keeps."""
