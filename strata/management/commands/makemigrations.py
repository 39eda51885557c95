"""makemigrations: Django's, but a change of words needs no migration."""

from __future__ import annotations

from django.core.management.commands import makemigrations

from strata.management.migration_changes import WithoutWords


class Command(makemigrations.Command):
    autodetector = WithoutWords
