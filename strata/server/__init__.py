"""The process: the worker, the middleware, its log, and its health."""
