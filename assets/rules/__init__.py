"""What may be written, by values and not by rows: pure checks, which raise ValidationError."""
