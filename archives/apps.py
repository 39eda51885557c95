"""Connects archives to the registries of the layers below it."""

from django.apps import AppConfig


class ArchivesConfig(AppConfig):
    name = "archives"
