"""What gives assets their values. Today that is what was recorded: snapshots."""
