"""Values that follow from terms: the schedule of a loan, depreciation, growth. Pure and exact: no rows, no floats."""
