"""Reports: totals of assets, how they are spread, why they changed, and the quality of the data."""
