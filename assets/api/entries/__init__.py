"""The API of an asset's values and transactions: each below its asset, by its day, and those of all assets."""
