"""HTTP itself: bodies, ETags, repeated requests, throttles, OPTIONS, CSV."""
