"""Pure checks of what may be written. They take values, not rows, and raise ValidationError or Conflict."""
