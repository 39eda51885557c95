"""The forms of the admin that take a password to let somebody in."""

from __future__ import annotations

from typing import Any

from unfold.forms import AuthenticationForm

from strata.accounts import LONGEST_COUNTED_NAME


class LoginForm(AuthenticationForm):
    """A page that refuses a login shows the name that was typed: no more of it than is counted."""

    def __init__(self, request: Any = None, data: Any = None, **kwargs: Any) -> None:
        if data is not None:
            data = data.copy()
            data["username"] = data.get("username", "")[:LONGEST_COUNTED_NAME]
        super().__init__(request, data=data, **kwargs)
