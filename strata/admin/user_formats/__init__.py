"""How the pages of the admin show and take numbers, days and instants, and the page where a user chooses how."""
