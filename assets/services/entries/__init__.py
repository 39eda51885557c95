"""The writers of values, transactions and transfers, one by one and in batches."""
