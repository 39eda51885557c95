"""What an error of the database means."""
