"""Holdings, lots, gains and returns of assets."""
