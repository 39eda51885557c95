"""The server process: the worker, the middleware, the log, and the health checks."""
