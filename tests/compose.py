"""compose.yaml as Docker reads it: with variables interpolate, and checked for references to undefined names."""

from __future__ import annotations

import re
from collections.abc import Iterator
from ipaddress import ip_address, ip_network
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


PROFILES = (frozenset(), frozenset({"postgres"}), frozenset({"scale"}))  # as the top of the file starts them


def refused(document: dict[str, Any], profiles: frozenset[str]) -> list[str]:
    """What Compose refuses where the schema does not, with these profiles: the graph, the addresses and the paths."""
    services = {name: each for name, each in document["services"].items() if is_started(each, profiles)}
    return [
        *needs_that_are_not_met(services),
        *cycles(services),
        *addresses_out_of_place(services, document.get("networks") or {}),
        *missing_paths(services),
    ]


def is_started(service: dict[str, Any], profiles: frozenset[str]) -> bool:
    return not service.get("profiles") or not profiles.isdisjoint(service["profiles"])


def needs(service: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """What it depends on, each with its condition: a list is short for services that have started."""
    dependencies = service.get("depends_on", {})
    return dependencies if isinstance(dependencies, dict) else {name: {} for name in dependencies}


def needs_that_are_not_met(services: dict[str, Any]) -> Iterator[str]:
    for name, service in services.items():
        for other, need in needs(service).items():
            if other not in services:
                if need.get("required", True):
                    yield f"{name} depends on {other}, which is not started"
            elif need.get("condition") == "service_healthy" and "healthcheck" not in services[other]:
                yield f"{name} waits until {other} is healthy, which has no check"


def cycles(services: dict[str, Any]) -> Iterator[str]:
    remaining = {name: needs(service).keys() & services.keys() for name, service in services.items()}
    while ready := {name for name, others in remaining.items() if not others & remaining.keys()}:
        remaining = {name: others for name, others in remaining.items() if name not in ready}
    if remaining:
        yield f"{', '.join(sorted(remaining))} depend on each other"


def addresses_out_of_place(services: dict[str, Any], networks: dict[str, Any]) -> Iterator[str]:
    taken = set[str]()
    for name, service in services.items():
        own = service.get("networks", [])
        for network, place in own.items() if isinstance(own, dict) else ():
            address = place["ipv4_address"]
            subnets = [ip_network(each["subnet"]) for each in networks[network]["ipam"]["config"]]
            if address in taken or not any(ip_address(address) in subnet for subnet in subnets):
                yield f"{name} cannot have {address}"
            taken.add(address)
        for port in service.get("ports", []):
            published = port.rpartition(":")[0]
            if published in taken:
                yield f"{name} publishes {published}, which is taken"
            taken.add(published)


def missing_paths(services: dict[str, Any]) -> Iterator[str]:
    for name, service in services.items():
        build = service.get("build")
        paths = [mount.partition(":")[0] for mount in service.get("volumes", [])]
        paths = [path for path in paths if path.startswith(".")]
        paths += [build] if isinstance(build, str) else [build["context"]] if build else []
        yield from (f"{name} has no {path}" for path in paths if not (ROOT / path).exists())
