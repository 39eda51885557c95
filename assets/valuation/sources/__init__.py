"""The value sources: what gives assets their values."""
