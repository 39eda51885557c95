"""What an asset holds, and what happened to it: transactions and corporate actions in the order in which they count."""
