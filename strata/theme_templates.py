"""The theme's templates, with the repairs that they need for keyboards and screen readers.

A repair replaces one piece of the theme's text: a copy of a whole template would hide what the theme changes later.
"""

from __future__ import annotations

import re
from pathlib import Path

import unfold
from django.template import Origin
from django.template.loaders import app_directories

THEME = Path(unfold.__file__).parent / "templates"
# Icons are words that a font draws: a screen reader would read them.
ICON = re.compile(r"<span(?=\s[^>]*\bmaterial-symbols-outlined\b)(?![^>]*\baria-(hidden|label)\b)")
SKIP_LINK = '{% include "strata/skip_link.html" %}'
LINK_TO_NOWHERE = re.compile(r"<a(?=\s[^>]*\bx-on:click=)(?![^>]*\bhref=)")  # no key reaches it
BUTTON = 'role="button" tabindex="0" x-on:keydown.enter.prevent="$el.click()" x-on:keydown.space.prevent="$el.click()"'
HELP = '{% include "unfold/helpers/help_text.html" with help_text=field.field.help_text %}'
HELP_WITH_ID = HELP.replace(" %}", " auto_id=field.field.auto_id %}")

# The template, what is in it, and what is there instead.
REPAIRS: dict[str, tuple[tuple[str, str], ...]] = {
    "admin/base.html": (
        ('<div id="page"', f'{SKIP_LINK}<div id="page"'),
        ('<div id="main"', '<main id="main" tabindex="-1"'),
        (
            "{% block footer %}{% endblock %}\n        </div>",
            "{% block footer %}{% endblock %}\n        </main>",
        ),
    ),
    "unfold/layouts/unauthenticated.html": (
        ('<div id="page"', f'{SKIP_LINK}<div id="page"'),
        ('<div class="w-full sm:w-96">', '<main id="main" tabindex="-1" class="w-full sm:w-96">'),
        (
            "{% block content %}{% endblock %}\n            </div>",
            "{% block content %}{% endblock %}\n            </main>",
        ),
    ),
    "admin/submit_line.html": (
        (
            '{% trans "Delete" %} {{ opts.verbose_name }}',
            "{% blocktranslate with name=opts.verbose_name %}Delete {{ name }}{% endblocktranslate %}",
        ),
    ),
    "admin/change_list.html": (("{% csrf_token %}", "{% load form_key %}{% csrf_token %}{% form_key %}"),),
    "registration/password_change_form.html": (
        ("{% load admin_urls i18n", "{% load admin_urls form_key i18n"),
        ("{% csrf_token %}", "{% csrf_token %}{% form_key %}"),
    ),
    "admin/search_form.html": (
        ('id="searchbar-submit"', 'id="searchbar-submit" aria-label="{% translate \'Search\' %}"'),
    ),
    "unfold/helpers/command.html": (
        ('id="command-submit"', 'id="command-submit" aria-label="{% translate \'Search\' %}"'),
    ),
    # aria-describedby of a field names these ids.
    "unfold/helpers/help_text.html": (
        ("<div ", '<div{% if auto_id %} id="{{ auto_id }}_helptext"{% endif %} '),
    ),
    "unfold/helpers/form_errors.html": (
        ("<div ", '<div{% if auto_id %} id="{{ auto_id }}_error"{% endif %} '),
    ),
    "unfold/helpers/field.html": 2
    * (
        ("=field.errors %}", "=field.errors auto_id=field.auto_id %}"),
        ("=field.help_text %}", "=field.help_text auto_id=field.auto_id %}"),
    ),
    "unfold/helpers/fieldset_row_field.html": (
        (HELP, f"{{% if field.is_readonly %}}{HELP}{{% else %}}{HELP_WITH_ID}{{% endif %}}"),
    ),
    "unfold/helpers/fieldset_row_checkbox.html": ((HELP, HELP_WITH_ID),),
    "unfold/helpers/edit_inline/tabular_field.html": (
        ('<div class="mt-2', '<div id="{{ field.field.auto_id }}_error" class="mt-2'),
    ),
    "unfold/helpers/messages/errornote.html": (("<p ", '<p role="alert" '),),
    "unfold/helpers/dialog.html": (("<h1", "<h2"), ("</h1>", "</h2>")),
    "unfold/helpers/shortcuts.html": (("<h1", "<h2"), ("</h1>", "</h2>")),
    "unfold/helpers/navigation.html": (("<nav ", "<nav aria-label=\"{% translate 'Menu' %}\" "),),
    "unfold/helpers/navigation_header.html": (
        ("{% load unfold %}", "{% load i18n unfold %}"),
        (
            '<span class="material-symbols-outlined block',
            f'<span {BUTTON} aria-label="{{% translate \'Close menu\' %}}" class="material-symbols-outlined block',
        ),
    ),
    "unfold/helpers/search.html": (
        ('<div class="mb-2.5 mx-3 relative"', f'<div {BUTTON} class="mb-2.5 mx-3 relative"'),
    ),
    "unfold/helpers/tab_actions.html": (
        ("{% load unfold %}", "{% load i18n unfold %}"),
        (
            ">more_horiz</span>",
            ">more_horiz</span><span class=\"sr-only\">{% translate 'More' %}</span>",
        ),
    ),
    "admin/change_list_results.html": (
        ("{% load admin_urls i18n unfold %}", "{% load admin_urls cards i18n unfold %}"),
        (
            "{% for item in result %}\n                            {{ item }}",
            "{% for item in result %}{% with_label item result_headers forloop.counter0 %}",
        ),
    ),
    "unfold/helpers/theme_switch_dropdown.html": (
        ("<a class", "<a aria-label=\"{% translate 'Theme' %}\" class"),
    ),
    "unfold/helpers/navigation_user.html": (
        ("<nav ", "<div "),
        ("</nav>", "</div>"),
        (
            '<div class="cursor-pointer flex flex-row gap-3',
            f'<div {BUTTON} x-bind:aria-expanded="openUserLinks" class="cursor-pointer flex flex-row gap-3',
        ),
    ),
}


class Loader(app_directories.Loader):
    """Of the templates of all apps; those of the theme are repaired."""

    def get_contents(self, origin: Origin) -> str:
        text = str(super().get_contents(origin))
        return repaired(str(origin.template_name), text) if Path(origin.name).is_relative_to(THEME) else text


def repaired(name: str, text: str) -> str:
    for old, new in REPAIRS.get(name, ()):
        text = text.replace(old, new, 1)
    text = LINK_TO_NOWHERE.sub(f"<a {BUTTON}", text)
    return ICON.sub('<span aria-hidden="true"', text)
