"""How categories are put in order: pure, without Django (see tree)."""
