"""What a household has, and what each thing is worth."""
