"""`{% form_key %}`: the hidden field by which a form that is sent again is known (strata/admin/sent_again.py)."""

from __future__ import annotations

from uuid import uuid4

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString

register = template.Library()
FIELD = "form_key"


@register.simple_tag
def form_key() -> SafeString:
    return format_html('<input type="hidden" name="{}" value="{}">', FIELD, uuid4().hex)
