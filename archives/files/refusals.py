"""Why an archive is refused."""

from __future__ import annotations

from django.utils.translation import gettext as _

from strata.exceptions import StrataError, Text


class Refused(StrataError):
    """400, with one of the codes ARCHIVE_* and the member and line at fault."""

    def __init__(self, code: str, message: Text, field: str | None = None) -> None:
        super().__init__(code, message, field)


class TooLarge(Refused):
    status = 413

    def __init__(self, message: Text) -> None:
        super().__init__("ARCHIVE_TOO_LARGE", message, "file")


def not_a_zip() -> Refused:
    return Refused("ARCHIVE_NOT_ZIP", _("It is not a zip file, or is damaged."), "file")


def no_manifest() -> Refused:
    return Refused("ARCHIVE_NO_MANIFEST", _("It has no manifest.json of an archive of Strata."), "file")


def unknown_version() -> Refused:
    message = _("It was written by a newer version of Strata: restore it with that version.")
    return Refused("ARCHIVE_VERSION", message, "file")


def wrong_sum(member: str) -> Refused:
    message = _("%(member)s is damaged: its size or its sum is not that of the manifest.")
    return Refused("ARCHIVE_SUM", message % {"member": member}, member)


def wrong_count(member: str) -> Refused:
    message = _("%(member)s does not have as many rows as the manifest says.")
    return Refused("ARCHIVE_COUNT", message % {"member": member}, member)


def bad_name(member: str) -> Refused:
    message = _("%(member)s is not the name of a member that an archive has, or it is there twice.")
    return Refused("ARCHIVE_NAME", message % {"member": member[:200]}, member[:200])


def bad_row(member: str, line: int | None, why: str) -> Refused:
    return Refused("ARCHIVE_ROW", f"{place(member, line)}: {why}", place(member, line))


def foreign_row(member: str, line: int | None, column: str) -> Refused:
    message = _("%(place)s: %(column)s refers to a row that is not in the archive.")
    where = place(member, line)
    return Refused("ARCHIVE_FOREIGN_ROW", message % {"place": where, "column": column}, where)


def empty() -> Refused:
    message = _("It has no portfolio and no asset: a household is not replaced by nothing.")
    return Refused("ARCHIVE_EMPTY", message, "file")


def place(member: str, line: int | None) -> str:
    return member if line is None else f"{member}, line {line}"
