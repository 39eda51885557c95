"""A standby of PostgreSQL that answers reads (REPLICA_URL), and what to do while the primary is away."""
