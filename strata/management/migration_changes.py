"""Which changes of models need a migration: all but their words, which no database has."""

from __future__ import annotations

from typing import Any

from django.db import models
from django.db.migrations.autodetector import MigrationAutodetector
from django.db.migrations.state import ProjectState

WORDS_OF_A_FIELD = ("verbose_name", "help_text", "choices")
WORDS_OF_A_MODEL = ("verbose_name", "verbose_name_plural")


class WithoutWords(MigrationAutodetector):
    """Labels, help texts and texts of choices change often and are translated. A new migration has none of them."""

    def __init__(self, from_state: ProjectState, to_state: ProjectState, questioner: Any = None) -> None:
        super().__init__(without_words(from_state), without_words(to_state), questioner)

    def deep_deconstruct(self, obj: Any) -> Any:
        deconstructed = super().deep_deconstruct(obj)
        if not isinstance(obj, models.Field):
            return deconstructed
        path, args, kwargs = deconstructed
        return path, args, {name: kwargs[name] for name in kwargs if name not in WORDS_OF_A_FIELD}


def without_words(state: ProjectState) -> ProjectState:
    """A copy of the state, without the words of its models."""
    copy = state.clone()
    for model in copy.models.values():
        model.options = {name: model.options[name] for name in model.options if name not in WORDS_OF_A_MODEL}
    return copy
