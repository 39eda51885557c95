"""What is counted for Prometheus where METRICS is on; without it nothing is counted, and no client is loaded.

Who has something to count calls `metrics` in recording.py. An app gives figures of the database in its file metrics.py,
with `@gauge` of gauges.py. strata/server/metrics_endpoint.py answers with all of them, on an address of its own.

No label has the id or the name of a person, a household or a path.
"""
