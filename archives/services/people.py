"""The members and invitations in an archive: names and roles, in its order."""

from __future__ import annotations

from typing import NamedTuple

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from archives.files import refusals
from archives.files.container import Container
from archives.rows.contents import member_of
from archives.rows.ids import ID
from archives.rows.tables import MALFORMED, Row, parsed_line
from archives.rows.values import parsed_instant, text
from portfolios.models import Invitation, Membership, Role
from strata.fields.names import name_key, validate_name

MOST_PEOPLE = 100
LONGEST_NAME = 150


class Person(NamedTuple):
    """`row` are the columns of the membership or invitation as the archive has them."""

    username: str
    role: str
    is_member: bool
    row: Row


def people_in(container: Container) -> list[Person]:
    """Raises Refused for rows that are none, for more than MOST_PEOPLE, and for a name that is there twice."""
    people: list[Person] = []
    names: set[str] = set()
    for model, column in ((Membership, "user"), (Invitation, "username")):
        member = member_of(model)
        for number, line in enumerate(container.lines(member), start=1):
            row = parsed_line(line, member, number)
            try:
                person = person_in(row, column, is_member=model is Membership)
            except MALFORMED as error:
                raise refusals.bad_row(member, number, str(error)) from None
            if row.get("household_id") != str(container.manifest.household_id):
                raise refusals.foreign_row(member, number, "household_id")
            key = name_key(person.username)
            if key in names or len(people) == MOST_PEOPLE:
                raise refusals.bad_row(member, number, _("A name is there twice, or there are too many."))
            names.add(key)
            people.append(person)
    return people


def person_in(row: Row, column: str, *, is_member: bool) -> Person:
    if not ID.fullmatch(text(row["id"])):
        raise ValueError("id is no id")
    username = validate_name(text(row[column]), max_length=LONGEST_NAME)
    if row["role"] not in Role.values:
        raise ValidationError(_("The role is unknown."))
    for name in ("created_at", "updated_at", *(("accepted_at",) if is_member else ())):
        parsed_instant(row[name])
    return Person(username, row["role"], is_member, row)
