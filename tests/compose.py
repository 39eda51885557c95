"""compose.yaml as Docker reads it: its variables put in, and what the parts name each other by."""

from __future__ import annotations

import re
from typing import Any

import yaml

from tests.serving import ROOT

FILE = ROOT / "compose.yaml"
VARIABLE = re.compile(r"\$\{(?P<name>\w+)(?:(?P<how>:[-?])(?P<word>[^{}]*))?\}|\$(?P<bare>\w+)")


class Missing(Exception):
    """A variable that has no default and is not set."""


def interpolated(text: str, variables: dict[str, str]) -> str:
    """`${NAME}`, `${NAME:-default}` and `${NAME:?message}`. `$$` is not used, and not understood."""

    def value(match: re.Match) -> str:
        given = variables.get(match["name"] or match["bare"], "")
        if given or match["how"] == ":-":
            return given or match["word"]
        if match["how"] == ":?":
            raise Missing(f"{match['name']}: {match['word']}")
        return ""

    while (found := VARIABLE.sub(value, text)) != text:  # a default may have a variable of its own
        text = found
    return text


def compose(**variables: str) -> dict[str, Any]:
    """As `docker compose config` reads it. Variables are put in after YAML is read: "off" is a text."""
    return filled(yaml.safe_load(FILE.read_text()), variables)


def filled(part: Any, variables: dict[str, str]) -> Any:
    if isinstance(part, dict):
        return {name: filled(value, variables) for name, value in part.items()}
    if isinstance(part, list):
        return [filled(value, variables) for value in part]
    return interpolated(part, variables) if isinstance(part, str) else part


def dangling(document: dict[str, Any]) -> list[str]:
    """Services, volumes and networks that a service names and that are not there."""
    services, found = document["services"], []
    for name, service in services.items():
        found += [
            f"{name} depends on {other}" for other in service.get("depends_on", {}) if other not in services
        ]
        for mount in service.get("volumes", []):
            source = mount.partition(":")[0]
            if not source.startswith((".", "/")) and source not in document.get("volumes", {}):
                found.append(f"{name} mounts {source}")
        networks = document.get("networks") or {}
        found += [f"{name} is in {one}" for one in service.get("networks", []) if one not in networks]
    return found
