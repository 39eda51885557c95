"""Tables that people made themselves, or that a bank exports: found by their headings."""
