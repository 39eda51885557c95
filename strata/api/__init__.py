"""What every API resource shares: fields, parsers, errors, pages, permissions."""
