"""doctor: checks the installation and reports what is in order, what is doubtful and what is broken."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

from django.core.management.base import CommandError, CommandParser

from strata.commands import FAILED, StrataCommand
from strata.doctor import Level, examine, store_report


class Command(StrataCommand):
    help = (
        "Check settings, database, migrations, rates, categories and values. Each line is OK, WARN or FAIL."
    )
    examples = ("doctor", "doctor --json | jq '.findings[]'")
    exit_codes = (
        "exit codes: 0 nothing is broken (there may be warnings), 1 something is broken, 2 wrong arguments"
    )
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--json", action="store_true", help="Write one JSON object.")

    def handle(self, *args: Any, **options: Any) -> None:
        findings = examine()
        store_report(findings)
        worst = max((finding.level for finding in findings), key=list(Level).index)
        if options["json"]:
            shown = {"status": worst, "findings": [asdict(finding) for finding in findings]}
            self.stdout.write(json.dumps(shown, indent=2))
        else:
            for finding in findings:
                self.stdout.write(f"{finding.level:<4}  {finding.subject}: {finding.message}")
        if worst is Level.FAIL:
            broken = sum(finding.level is Level.FAIL for finding in findings)
            raise CommandError(f"Broken: {broken}.", returncode=FAILED)
