"""The parts of the API that are about HTTP: bodies, ETags, idempotency, throttles, OPTIONS, CSV."""
