"""A process with a database of its own: restores an archive there, answers requests, and archives the household again.

    DATABASE_URL=... python -m archives.tests.other_database RESTORED REQUESTS ANSWERS ARCHIVED

REQUESTS is JSON, a list of paths. ANSWERS becomes a list of what `answers_to` gives.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

import django
from django.test.utils import setup_test_environment


def answers_to(client: Any, paths: list[str]) -> list[str]:
    """The text of each answer; of a refusal, which has the id of its request, the code."""
    answers = [client.get(path) for path in paths]
    return [
        answer.content.decode() if answer.status_code == 200 else answer.json()["code"] for answer in answers
    ]


def main(restored: str, requests: str, answers: str, archived: str) -> None:
    from django.core.management import call_command  # once Django is set up

    from conftest import client_of
    from portfolios.models import Household
    from strata.accounts.models import User

    user = User.objects.create(username="ann")
    call_command("restore", restored, verbosity=0)
    client = client_of(user)
    Path(answers).write_text(json.dumps(answers_to(client, json.loads(Path(requests).read_text()))))
    call_command("archive", str(Household.objects.get().pk), archived, verbosity=0)


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "strata.settings")
    os.environ |= {"API_THROTTLE": "off", "LOG_LEVEL": "WARNING"}
    django.setup()
    setup_test_environment()
    main(*sys.argv[1:])
