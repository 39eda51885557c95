"""`make messages`: the German texts, and the French ones of the printed statement. Writes what is marked for
translation into the .po of each language, and the .mo from it.

messages.py           update django.po and django.mo of locale/de and locale/fr
messages.py --check   exit 1 where a marked text has no translation, or the .mo is not made from the .po
messages.py --missing what is marked in the code and not translated yet
"""

from __future__ import annotations

import io
import re
import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import django
from babel.messages import Catalog
from babel.messages.extract import extract_javascript, extract_python
from babel.messages.mofile import read_mo, write_mo
from babel.messages.pofile import read_po, write_po
from django.conf import settings
from django.utils.translation.template import templatize

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))
seeds = import_module("assets.classification.seeds")  # no package when this file is a script
APPS = ("strata", "portfolios", "assets", "investments", "reports", "imports", "archives", "demo")
GERMAN, FRENCH = "de", "fr"
# Where the texts of a statement are marked: they are French too.
STATEMENT = (
    *("reports/templates/reports/statement", "reports/statement/", "reports/rendering/reasons.py"),
    *("reports/rendering/plots.py", "reports/rendering/completeness.py", "reports/rendering/drawing.py"),
)
CLASSES = {"Financial", "Real estate", "Personal property", "Collections", "Debts", "Other"}  # of assets
TAG_IN_PYTHON = re.compile(r"\{% translate \\?'([^'\\]+)")  # what is put into the templates of the theme
# The texts of these packages are shown too. What Django's own catalogs have in our style is not translated again.
CATALOGS = ("django.conf", "django.contrib.admin", "django.contrib.auth", "axes")
OTHER_STYLE = re.compile(
    r"\b(Sie|Ihre?[mnrs]?|Ihnen)\b|[Ss]ichern\b|Geschichte"
)  # we say "du" and "Speichern"
PACKAGES = ("unfold", "django.contrib.admin", "django.contrib.auth")
LEFT_OUT = (
    "contrib/constance",
    "contrib/forms",
    "contrib/guardian",
    "contrib/hijack",
    "contrib/import_export",
    "contrib/location_field",
    "contrib/reversion",
    "contrib/simple_history",
    "contrib/waffle",
    "locale",
    "management",
    "migrations",
    "models.py",
    "templates/admin_doc",
    "templates/registration/password_reset",
    "templates/unfold_crispy",
)
WORDS: dict[str, Any] = {
    "_": None,
    "gettext": None,
    "gettext_lazy": None,
    "gettext_noop": None,
    "ngettext": (1, 2),
    "ngettext_lazy": (1, 2),
    "pgettext": ((1, "c"), 2),
    "pgettext_lazy": ((1, "c"), 2),
    "npgettext": ((1, "c"), 2, 3),
}


def marked() -> Iterator[tuple[str, str | None, Any]]:
    """(file, context, text) of every text that is marked; the text of a plural is a pair."""
    for app in APPS:
        for path in sorted((ROOT / app).rglob("*")):
            if path.suffix in (".py", ".html") and not {"tests", "migrations"} & set(path.parts):
                name = str(path.relative_to(ROOT))
                yield from ((name, *entry) for entry in texts_of(path))
    for context, text in seeded():
        yield "assets/classification/seeds.py", context, text
    yield from of_packages()


def seeded() -> Iterator[tuple[str, str]]:
    """The names of the shared types and of a new household's categories."""
    yield from (("asset type", label) for _code, label, *_rest in seeds.SHARED_TYPES)
    for name, children in seeds.STARTER_CATEGORIES.items():
        yield from (("category", text) for text in (name, *children))


def of_packages() -> Iterator[tuple[str, str | None, Any]]:
    """The texts of the admin's theme, and those of Django that its own catalogs lack or say in another style."""
    known = {
        text
        for name in CATALOGS
        for (_context, text), strings in texts_by_id(compiled(name)).items()
        if not OTHER_STYLE.search(" ".join(strings))
    }
    for package in PACKAGES:
        folder = folder_of(package)
        for path in sorted(folder.rglob("*")):
            part = path.relative_to(folder).as_posix()
            if path.suffix in (".py", ".html") and not part.startswith(LEFT_OUT):
                for context, text in texts_of(path):
                    first = text if isinstance(text, str) else text[0]
                    if first not in known and first.strip() and not first.endswith("_FORMAT"):
                        yield package, context, text


def folder_of(package: str) -> Path:
    return Path(import_module(package).__path__[0])


def compiled(package: str) -> Catalog:
    with (folder_of(package) / "locale" / "de" / "LC_MESSAGES" / "django.mo").open("rb") as file:
        return read_mo(file)


def texts_of(path: Path) -> Iterator[tuple[str | None, Any]]:
    source = path.read_text(encoding="utf-8")
    if path.suffix == ".html":  # Django makes a text of it that has calls between other characters
        calls = extract_javascript(io.BytesIO(templatize(source).encode()), WORDS, [], {"encoding": "utf-8"})
    else:
        calls = extract_python(io.BytesIO(source.encode()), WORDS, [], {"encoding": "utf-8"})
        yield from ((None, text) for text in TAG_IN_PYTHON.findall(source))
    for _line, word, arguments, _comments in calls:
        if read := text_of(word, arguments):
            yield read


def text_of(word: str, arguments: Any) -> tuple[str | None, Any] | None:
    """(context, text), from the arguments of the call."""
    given = arguments if isinstance(arguments, tuple) else (arguments,)
    has_context, is_plural = word.startswith(("p", "np")), "ngettext" in word or word.startswith("np")
    context = given[0] if has_context else None
    texts = tuple(given[int(has_context) : int(has_context) + 1 + int(is_plural)])
    if not all(isinstance(text, str) and text for text in texts):
        return None
    return context, texts if is_plural else texts[0]


def file_of(language: str, ending: str) -> Path:
    return ROOT / "locale" / language / "LC_MESSAGES" / f"django.{ending}"


def marked_for(language: str) -> Iterator[tuple[str, str | None, Any]]:
    """What has to be in the language: all texts, or those of the statement."""
    return (
        text
        for text in marked()
        if language == GERMAN or text[0].startswith(STATEMENT) or (text[1] is None and text[2] in CLASSES)
    )


def template(language: str) -> Catalog:
    catalog = Catalog(domain="django")
    for name, context, text in marked_for(language):
        catalog.add(text, locations=[(name, None)], context=context)
    return catalog


def stored(language: str) -> Catalog:
    with file_of(language, "po").open("rb") as file:
        return read_po(file, locale=language, domain="django")


def update(language: str) -> None:
    catalog = stored(language)
    catalog.update(template(language), no_fuzzy_matching=True, update_creation_date=False)
    catalog.obsolete.clear()
    with file_of(language, "po").open("wb") as file:
        write_po(file, catalog, width=100, sort_output=True, include_lineno=False)
    with file_of(language, "mo").open("wb") as file:
        write_mo(file, catalog)
    print(f"{language}: {len(untranslated(catalog))} of {len(catalog)} texts have no translation.")


def untranslated(catalog: Catalog) -> list[str]:
    return [str(message.id) for message in catalog if message.id and not all(strings_of(message))]


def strings_of(message: Any) -> tuple[str, ...]:
    string = message.string or ""  # None for a new text
    return (string,) if isinstance(string, str) else tuple(string)


def texts_by_id(catalog: Catalog) -> dict[Any, Any]:
    """By context and text, without the header. A .mo has the text of a plural as a pair or as its first part."""
    return {
        (context_of(message), message.id if isinstance(message.id, str) else message.id[0]): strings_of(
            message
        )
        for message in catalog
        if message.id and all(strings_of(message))
    }


def context_of(message: Any) -> str | None:
    """Babel reads that of a .mo as bytes."""
    context: str | bytes | None = message.context
    return context.decode() if isinstance(context, bytes) else context


def problems(language: str) -> list[str]:
    catalog, name = stored(language), f"{language}/django.po"
    lines = [f"{name}: not translated: {text}" for text in untranslated(catalog)]
    lines += [f"{name}: {error}: {message.id}" for message, errors in catalog.check() for error in errors]
    with file_of(language, "mo").open("rb") as file:
        if texts_by_id(read_mo(file)) != texts_by_id(catalog):
            lines.append(f"{language}/django.mo is not made from django.po: run `make messages`.")
    lines += [f"{name}: fuzzy: {message.id}" for message in catalog if message.id and message.fuzzy]
    return lines + [f"{name}: missing: {text}" for text in missing(language)]


def missing(language: str) -> list[str]:
    known = {(message.context, message.id) for message in stored(language) if all(strings_of(message))}
    texts = marked_for(language)
    return sorted({f"{name}: {text}" for name, context, text in texts if (context, text) not in known})


if __name__ == "__main__":
    settings.configure()
    django.setup()
    asked = sys.argv[1:]
    if asked in (["--check"], ["--missing"]):
        check = problems if asked == ["--check"] else missing
        lines = check(GERMAN) + check(FRENCH)
        print("\n".join(lines))
        sys.exit(bool(lines))
    update(GERMAN)
    update(FRENCH)
