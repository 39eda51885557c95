"""Sentences for people about rows, questions, warnings and refused files, by code. Formats give only codes."""

from __future__ import annotations

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

REASONS: dict[str, Promise] = {
    "BAD_DATE": _("%(text)s is no day."),
    "BAD_NUMBER": _("%(text)s is no number."),
    "BAD_CURRENCY": _("%(text)s is no currency."),
    "BAD_NAME": _("A name has 1 to 200 characters without control characters."),
    "MISSING_FIELD": _("There is nothing where it is needed. %(text)s"),
    "OUT_OF_RANGE": _("%(text)s is too large."),
    "UNKNOWN_TYPE": _("%(text)s is no type that is known."),
    "UNSUPPORTED": _("Strata cannot import this yet: %(text)s"),
    "FORMULA_WITHOUT_VALUE": _(
        "The formula in %(text)s has no stored result: open the file in its program, and save it."
    ),
    "TOTAL": _("It is a total of other rows."),
    "EMPTY": _("It is empty."),
    "ADJUSTED": _("The quantities of the file take this split into account already."),
    "NOT_A_TRANSACTION": _("It says nothing that can be imported."),
    "UNSUPPORTED_ACTION": _("Strata cannot import this action: %(text)s"),
    "CANCELLED": _("It was cancelled."),
    "SUMMARY_ROW": _("It sums up other rows."),
    "WITH_ANOTHER_ROW": _("It is in the booking of another row, which belongs to it."),
    "NOT_BOOKED": _("It is not booked yet: %(text)s"),
    "ZERO_ROW": _("Its amount is zero."),
    "ALREADY_THERE": _("It is there already."),
    "LATER_ROW": _("A later row of the file has the value of this day."),
    "LATER_STATEMENT": _("A later statement, which is here already, has the balance of this day."),
    "DELETED_BY_HAND": _("An earlier import made it, and it was deleted since."),
    "SKIPPED_BY_YOU": _("You left it out."),
    "SHARED_PRICES": _("All households share the prices of this security."),
    "FUTURE_PRICE": _("%(text)s has not come yet."),
    "OTHER_CURRENCY": _("The prices of this security are in another currency: %(text)s"),
    "KEPT": _("The day has another value, which stays."),
}

QUESTIONS: dict[str, Promise] = {
    "DATE_ORDER": _("Which is first, the day or the month?"),
    "DECIMAL": _("Is the decimal mark a point or a comma?"),
    "CURRENCY": _("No column names a currency. Which currency are these amounts in?"),
    "DAY": _("Of which day are these values?"),
    "SIGN": _("It looks like a debt, but its values are above zero. Are they owed?"),
    "ACCOUNT": _("Which account is this file of?"),
    "ENCODING": _("Which encoding reads right?"),
    "COLUMNS": _("Which column is which?"),
    "PORTFOLIO": _("Which of its portfolios is to be imported?"),
    "SECURITY": _("Which security are these prices of?"),
    "TYPE": _("What kind of bookings are these?"),
    "OPENING": _("What was in the account before the first row?"),
}

WARNINGS: dict[str, Promise] = {
    "NOTHING_INSIDE": _("There is nothing to import in the file. %(text)s"),
    "NO_PRICES": _(
        "There is no price yet of %(text)s: what is held of it is worth nothing until there is one."
    ),
    "NO_BALANCES": _("This file has no balances: net worth will not change."),
    "MONTH_END": _("A month alone means its last day. %(text)s"),
    "ROUNDED": _("%(text)s has more decimal places than an amount has, and is rounded."),
    "PRICE_DISAGREES": _("The price and the amount do not agree, and the price is left out. %(text)s"),
    "LOCAL_MIDNIGHT": _(
        "It is read as midnight of the next day, in the time zone of whoever wrote the file. %(text)s"
    ),
    "BALANCE_DIFFERS": _("The balance of the file is not the sum of its rows. %(text)s"),
    "POSITION_DIFFERS": _("The file says that another number is held than its rows give. %(text)s"),
    "CURRENCY_ASSUMED": _("The file names no currency: it is read as %(text)s."),
    "REPEATED_NAME": _("%(text)s is there more than once: each is an account of its own."),
    "CLAMPED": _("There is no such day: it is read as the last of its month. %(text)s"),
    "SHEET_LEFT_OUT": _("The sheet %(text)s is not imported: it is hidden, or is no table of this kind."),
    "FUTURE": _("%(text)s is in the future."),
}

OPTIONS: dict[str, Promise] = {
    "columns": _("The file has no column %(text)s."),
    "no_table": _("With these columns there is nothing to import in the file."),
    "header_row": _("The file has no table with its headings in row %(text)s."),
    "sheet": _("The file has no sheet %(text)s with a table."),
    "delimiter": _("With %(text)s between its columns the file is no table."),
    "encoding": _("The file cannot be read as %(text)s."),
}

FILES: dict[str, Promise] = {
    "UNKNOWN_FORMAT": _(
        "This file is of no known format. Strata reads tables with a column or row of days (CSV, XLSX, XLS, ODS)"
        " and the exports of several programs."
    ),
    "OTHER_FORMAT": _("This file is not of the format that was chosen."),
    "BINARY_PORTFOLIO": _(
        "Portfolio Performance has saved this file in its binary form. Choose File, Save as, XML there, and import that"
        " file."
    ),
    "EMPTY_FILE": _("The file is empty."),
    "ENCRYPTED_FILE": _("The file is encrypted: remove its password, and try again."),
    "BROKEN_FILE": _("The file is damaged, or is not what it seems to be."),
    "ENTITIES_REFUSED": _("The file defines XML entities, which are not read."),
    "FILE_TOO_LARGE": _("The file is larger than this server takes."),
    "TOO_MANY_ROWS": _("The file has too many rows for a request: use `manage.py import_file`."),
    "TOO_MANY_COLUMNS": _("The file has more than 2,000 columns."),
    "EXPANDS_TOO_MUCH": _("The file is packed so tightly that it would become too large."),
}


def sentence(texts: dict[str, Promise], code: str, text: str = "") -> str:
    """The sentence of the code in the active language."""
    return (str(texts[code]) % {"text": text}).strip()
