"""As in English: what a user sees is in the formats that they chose, whatever the language."""

from strata.fields.formats.en.formats import *  # noqa: F403
