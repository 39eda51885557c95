"""The history names users that are gone: an archive of it has no name of them, and is restored all the same."""

from __future__ import annotations

import pytest

from archives.rows.contents import JOURNAL
from archives.tests.archives import archive_of, contents, restored
from portfolios.models import Membership
from strata.accounts.models import User
from strata.audit.models import HistoryEntry

pytestmark = pytest.mark.usefixtures("shared_rows")


def test_a_member_who_is_gone_is_nobody_in_the_past_of_the_copy(household, alice_user):
    nina = User.objects.create(username="nina")
    membership = Membership.objects.create(household=household, user=nina, role="viewer")
    membership.role = "editor"
    membership.save()
    nina.delete()
    data = archive_of(household)
    images = [
        line["before"]
        for line in contents(data)[JOURNAL]
        if line["object_id"] == str(membership.pk) and "before" in line
    ]
    assert [image["user"] for image in images] == [None, None]

    restored(data, alice_user)

    entries = HistoryEntry.objects.filter(model="portfolios.Membership", before__isnull=False).order_by("id")
    copied = entries.exclude(object_id__in=[membership.pk, *Membership.objects.values_list("pk", flat=True)])
    images = [(entry.action, entry.before["role"], entry.before["user_id"]) for entry in copied]
    assert images == [("update", "viewer", None), ("delete", "editor", None)]
