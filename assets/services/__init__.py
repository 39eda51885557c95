"""The writers of assets, their values, transactions and labels."""
