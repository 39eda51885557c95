"""Who owns it, and how it adds up."""
