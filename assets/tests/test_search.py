"""Search ignores case, in every alphabet and on both databases; LIKE's wildcards are ordinary characters."""

from __future__ import annotations

import pytest

from assets.classification.seeds import TypeId
from assets.models import Asset, Tag

pytestmark = pytest.mark.django_db
NAMES = ("Äpfel", "éclair", "ΩMEGA", "100%", "a_b", "ab", "back\\slash")


@pytest.fixture
def tags(household):
    return [Tag.objects.create(household=household, name=name) for name in NAMES]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("äP", {"Äpfel"}),
        ("ÉC", {"éclair"}),
        ("ωm", {"ΩMEGA"}),
        ("0%", {"100%"}),
        ("a_B", {"a_b"}),
        ("K\\S", {"back\\slash"}),
        ("%", {"100%"}),
        ("nowhere", set()),
    ],
)
def test_a_list_is_searched(alice, tags, text, expected):
    answer = alice.get("/api/v1/tags", {"search": text})
    assert {row["name"] for row in answer.json()["results"]} == expected


def test_every_line_of_a_note_is_searched(alice, portfolio):
    asset = Asset.objects.create(
        portfolio=portfolio, asset_type_id=TypeId.CASH, name="x", currency="EUR", notes="one\nZWÖLF"
    )
    answer = alice.get("/api/v1/assets", {"search": "zwölf"})
    assert [row["id"] for row in answer.json()["results"]] == [str(asset.pk)]
