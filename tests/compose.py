"""compose.yaml as Docker reads it: with variables interpolate, and checked for references to undefined names."""

from __future__ import annotations

import re
from typing import Any

import yaml

from tests.serving import ROOT

FILE = ROOT / "compose.yaml"
VARIABLE = re.compile(r"\$\{(?P<name>\w+)(?:(?P<how>:[-?])(?P<word>[^{}]*))?\}|\$(?P<bare>\w+)")


class MissingVariable(Exception):
    """A required variable is not set."""


def interpolate(text: str, variables: dict[str, str]) -> str:
    """Replaces `${NAME}`, `${NAME:-default}` and `${NAME:?message}`. `$$` is not supported, because it is not used."""

    def value(match: re.Match) -> str:
        setting = variables.get(match["name"] or match["bare"], "")
        if setting or match["how"] == ":-":
            return setting or match["word"]
        if match["how"] == ":?":
            raise MissingVariable(f"{match['name']}: {match['word']}")
        return ""

    while (replaced := VARIABLE.sub(value, text)) != text:  # a default may contain a variable
        text = replaced
    return text


def compose(**variables: str) -> dict[str, Any]:
    """As `docker compose config` reads it. Variables are replaced after YAML is parsed, so that "off" stays a text."""
    return interpolate_all(yaml.safe_load(FILE.read_text()), variables)


def interpolate_all(part: Any, variables: dict[str, str]) -> Any:
    if isinstance(part, dict):
        return {name: interpolate_all(value, variables) for name, value in part.items()}
    if isinstance(part, list):
        return [interpolate_all(value, variables) for value in part]
    return interpolate(part, variables) if isinstance(part, str) else part


def undefined_names(document: dict[str, Any]) -> list[str]:
    """Services, volumes and networks that a service names but nothing defines."""
    services, errors = document["services"], []
    for name, service in services.items():
        errors += [
            f"{name} depends on {other}" for other in service.get("depends_on", {}) if other not in services
        ]
        for mount in service.get("volumes", []):
            source = mount.partition(":")[0]
            if not source.startswith((".", "/")) and source not in document.get("volumes", {}):
                errors.append(f"{name} mounts {source}")
        networks = document.get("networks") or {}
        errors += [
            f"{name} is in {network}" for network in service.get("networks", []) if network not in networks
        ]
    return errors
