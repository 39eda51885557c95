"""Django looks for admin pages here: the kernel's own pages, and the settings of the whole admin site.

The base classes for the pages of other apps are in pages.py and households.py.
"""

from __future__ import annotations

from django.contrib import admin
from django.contrib.auth.models import Group

from strata.admin import journal  # noqa: F401 - registers its pages
from strata.admin.accounts import users  # noqa: F401 - registers its pages
from strata.admin.accounts.login_forms import LoginForm
from strata.admin.choices import offer_choices
from strata.admin.site import value_of, when_read

admin.site.unregister(Group)
admin.site.disable_action("delete_selected")
admin.site.login_form = LoginForm
admin.site.autocomplete_view = offer_choices  # type: ignore[method-assign, assignment]  # the site looks it up
admin.site.get_app_list = when_read(admin.site.get_app_list)  # type: ignore[method-assign]
admin.site._get_value = value_of  # type: ignore[attr-defined]  # unfold's site has it
