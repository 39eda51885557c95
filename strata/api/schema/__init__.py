"""The OpenAPI document, generated from the code, with the texts in api/texts of each app."""
