"""The value sources: what gives assets their values. Today there is one, the recorded snapshots."""
