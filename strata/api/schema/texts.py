"""The texts of the document: the TOML files in api/texts of each app, read as one.

    [tags]         tag = "a sentence", in the order in which they are shown
    [paths]        "assets/values" = ["what the parameter after this path is", "its example"]
    [query]        parameter = "its example"
    [examples]     operation.parameter = "the example in this operation"
    [operations]   operation = ["summary", "description", and the tag if it is not the first part of the path]
    [bodies]       operation = the example of its JSON body
    [answers.NAME] field = "its example in the answer of an operation, or of any"; `rows` has ids of rows inside
    [links]        operation.operation_that_follows = {parameter = "where the answer has it"}
    [fields.NAME]  field = "what it is"; "" is the schema itself; without Patched and Request in the name
    [notes]        put, patch = "what is true of all of them"

An operation has the name of its operationId. Examples are rows of the demo, whose ids are fixed (demo/ids.py).
"""

from __future__ import annotations

import re
import tomllib
from functools import cache
from pathlib import Path
from typing import Any

from django.apps import apps
from django.conf import settings

type Texts = dict[str, dict[str, Any]]


@cache
def all_texts() -> Texts:
    texts: Texts = {}
    for file in files():
        for table, entries in tomllib.loads(file.read_text(encoding="utf-8")).items():
            add(texts.setdefault(table, {}), entries)
    return texts


def files() -> list[Path]:
    """The files of this project's apps, those of the kernel first."""
    folders = [Path(app.path) for app in apps.get_app_configs()]
    own = [folder for folder in folders if folder.parent == Path(settings.BASE_DIR)]
    kernel_first = sorted(own, key=lambda folder: (folder.name != "strata", folder.name))
    return [file for folder in kernel_first for file in sorted((folder / "api/texts").glob("*.toml"))]


def add(table: dict[str, Any], entries: dict[str, Any]) -> None:
    """Add the entries. Those of a table in several files are put together one level below too."""
    for name, entry in entries.items():
        if name in table and isinstance(entry, dict) and isinstance(table[name], dict):
            table[name] = table[name] | entry
        else:
            table[name] = entry


def paragraphs(text: str) -> str:
    """Without the line breaks inside of a paragraph: Swagger would show them."""
    return "\n\n".join(re.sub(r"\s+", " ", part).strip() for part in text.strip().split("\n\n"))
