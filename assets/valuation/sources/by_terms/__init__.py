"""The sources whose values follow from terms: loans, depreciation, growth and indices."""
