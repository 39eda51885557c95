"""Lock-out: who has to wait after failed logins from one address, or after many failed logins on one account.

An address is locked after AXES_FAILURE_LIMIT failures in 15 minutes; axes counts them. An account is locked from the
hundredth failure in a row on, from any address; the pause doubles with each further failure. Failures are counted by
the name as typed. A name that no user has is counted too, with the same statements and the same answers.

Neither applies to an address from which the account has logged in before: somebody who only knows the name, or shares
the address, must not lock the owner out. For such an address the pause is short and begins late.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from axes.handlers.database import AxesDatabaseHandler
from django.conf import settings
from django.contrib import messages
from django.db import models
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import ngettext

from strata.accounts.models import EVERYWHERE, NO_ADDRESS, LoginCount, User, username_key
from strata.api.http.throttles import client_of
from strata.audit import actor
from strata.db.locks import lock_rows
from strata.db.retry import Restart, run_in_transaction
from strata.fields.active_formats import day_text
from strata.metrics.recording import metrics

NO_TIME = timedelta(0)
FORGOTTEN_AFTER = timedelta(days=30)  # since the last attempt
LONGEST_EXPONENT = 16
LONGEST_NAME = 255  # characters of a typed name that are counted; the longest username has 150


@dataclass(frozen=True, slots=True)
class Pauses:
    """The pause is `first` from the `limit`th attempt in a row on. It doubles with each further one up to `longest`."""

    limit: int
    first: timedelta
    longest: timedelta

    def after(self, attempts: int) -> timedelta:
        if attempts < self.limit:
            return NO_TIME
        pause: timedelta = self.first * 2 ** min(attempts - self.limit, LONGEST_EXPONENT)
        return min(pause, self.longest)


OF_ACCOUNT = Pauses(100, timedelta(minutes=1), timedelta(hours=1))
# The owner is likely at a known address: ten times as many attempts, then one every ten seconds, which is 8,640 a day.
OF_KNOWN_ADDRESS = Pauses(1000, timedelta(seconds=10), timedelta(seconds=10))


@dataclass(slots=True)
class Attempt:
    """An attempt to log in as `name_key`. `wait` is how long it is refused; NO_TIME where it may be tried."""

    name_key: str
    address: str
    address_is_locked: bool = False
    is_known: bool = False
    wait: timedelta = NO_TIME
    pause: timedelta = NO_TIME  # the pause of the account if this attempt fails

    @property
    def is_refused(self) -> bool:
        return self.wait > NO_TIME

    def counts(self) -> models.QuerySet[LoginCount]:
        return LoginCount.objects.filter(name_key=self.name_key, address__in=(EVERYWHERE, self.address))


class LoginRequest(HttpRequest):
    """A request in which a password is checked, with what Handler and axes set on it. For mypy alone."""

    login_attempt: Attempt
    axes_locked_out: bool


@dataclass(frozen=True, slots=True)
class FailedLogins:
    """The failed logins that the owner sees at the next login."""

    count: int = 0
    last_at: datetime | None = None


def begin(username: str, address: str, now: datetime, *, address_is_locked: bool) -> Attempt:
    """Count the attempt, unless it has to wait. This happens before the password is checked: see LoginCount."""
    attempt = Attempt(counted_key(username), address, address_is_locked)
    decide(attempt, {count.address: count for count in attempt.counts()}, now)
    if not attempt.is_refused:
        run_in_transaction(lambda: count_attempt(attempt, now))
    return attempt


def counted_key(username: str) -> str:
    """The key that a user of this name would have: all spellings of a name share one count. Any length is accepted."""
    return username_key(username[:LONGEST_NAME])


def decide(attempt: Attempt, counts: dict[str, LoginCount], now: datetime) -> None:
    own, account = counts.get(attempt.address), counts.get(EVERYWHERE)
    attempt.is_known = attempt.address != NO_ADDRESS and own is not None and own.last_login_at is not None
    of_account = left(OF_ACCOUNT, account, now)
    if attempt.is_known:
        attempt.wait = left(OF_KNOWN_ADDRESS, own, now)
    else:
        attempt.wait = max(of_account, cool_off() if attempt.address_is_locked else NO_TIME)
    attempt.pause = of_account


def left(pauses: Pauses, count: LoginCount | None, now: datetime) -> timedelta:
    """How much of the pause is left. Nothing where the clock was set back to long before the pause began."""
    if count is None or count.last_attempt_at - now > pauses.longest or is_forgotten(count, now):
        return NO_TIME
    pause = pauses.after(count.attempts)
    return max(min(count.last_attempt_at + pause - now, pause), NO_TIME)


def pause_of(count: LoginCount, now: datetime) -> timedelta:
    """What is left of the pause for the account, or for the known address, of this row."""
    return left(OF_ACCOUNT if count.address == EVERYWHERE else OF_KNOWN_ADDRESS, count, now)


def is_forgotten(count: LoginCount, now: datetime) -> bool:
    return count.last_attempt_at < now - FORGOTTEN_AFTER


def cool_off() -> timedelta:
    return timedelta(hours=settings.AXES_COOLOFF_TIME)


def count_attempt(attempt: Attempt, now: datetime) -> None:
    """Decide again with the rows locked, so that parallel requests cannot use more attempts than are left."""
    counts = lock_counts(attempt, now)
    decide(attempt, counts, now)
    if attempt.is_refused:
        return
    for count in counts.values():
        if count.address == EVERYWHERE or attempt.is_known:
            count.attempts = 1 if is_forgotten(count, now) else count.attempts + 1
            count.last_attempt_at = now
            count.save(update_fields=["attempts", "last_attempt_at"])
    attempt.pause = OF_ACCOUNT.after(counts[EVERYWHERE].attempts)


def lock_counts(attempt: Attempt, now: datetime) -> dict[str, LoginCount]:
    """The rows of the account and of the address, by address. The account's row is created if missing, and locked.

    The rows are read after the lock: a statement that waited for the lock does not see rows that others added.
    """
    account = LoginCount(name_key=attempt.name_key, last_attempt_at=now)
    LoginCount.objects.bulk_create([account], ignore_conflicts=True)
    if not lock_rows(attempt.counts().filter(address=EVERYWHERE)):
        raise Restart("the row was deleted, because it was old")
    return {count.address: count for count in attempt.counts()}


def failed(attempt: Attempt, now: datetime) -> None:
    """The password was wrong."""
    attempt.counts().filter(address=EVERYWHERE).update(failures=models.F("failures") + 1, last_failure_at=now)
    forget_strangers(now)


def forget_strangers(now: datetime) -> None:
    """Delete old counts of names that no user has. Without this they would stay for ever."""
    old = LoginCount.objects.filter(last_attempt_at__lt=now - FORGOTTEN_AFTER)
    old.exclude(name_key__in=User.objects.values("username_key")).delete()


def was_right(attempt: Attempt, now: datetime) -> None:
    """The password was right: the failures in a row end. After a login from a known address others still wait."""
    run_in_transaction(lambda: start_again(attempt, lock_counts(attempt, now)))


def start_again(attempt: Attempt, counts: dict[str, LoginCount]) -> None:
    account = counts[EVERYWHERE]
    if attempt.is_known and account.attempts > OF_ACCOUNT.limit:
        account.attempts -= 1
    else:
        account.attempts = 0
    for count in counts.values():
        if count is not account:
            count.attempts = 0
        count.save(update_fields=["attempts"])


def logged_in(attempt: Attempt, user: User, now: datetime) -> FailedLogins:
    """Make the address a known one, and return what failed since the last login: each failure is reported once.

    Every login comes through here.
    """
    actor.identify(user)
    return run_in_transaction(lambda: note_login(attempt, now))


def note_login(attempt: Attempt, now: datetime) -> FailedLogins:
    counts = lock_counts(attempt, now)
    if attempt.address not in counts:
        own = LoginCount(name_key=attempt.name_key, address=attempt.address, last_attempt_at=now)
        own.save(force_insert=True)
        counts[attempt.address] = own
    start_again(attempt, counts)
    account = counts[EVERYWHERE]
    news = FailedLogins(account.failures, account.last_failure_at if account.failures else None)
    account.failures_before_login, account.failures = account.failures, 0
    for count in counts.values():
        count.last_login_at = now
        count.save(update_fields=["failures", "failures_before_login", "last_login_at"])
    return news


# --- what axes asks ---


def counted_address(request: Any) -> str:
    return client_of(request) or NO_ADDRESS


def lockout_parameters(request: Any, credentials: Any) -> list[list[str]]:
    """Clients without an address are not locked out together: only each name is."""
    by_name = ["username", "ip_address"]
    return [by_name] if counted_address(request) == NO_ADDRESS else [by_name, ["ip_address"]]


class Handler(AxesDatabaseHandler):  # type: ignore[misc]  # axes has no types
    """Adds the count by account to axes' count by address, for every kind of login. Setting: AXES_HANDLER."""

    def is_locked(self, request: Any, credentials: Mapping[str, str] | None = None) -> bool:
        """Axes calls this more than once in a request; the attempt is counted the first time."""
        username = (credentials or {}).get("username") or ""
        attempt = getattr(request, "login_attempt", None)
        if attempt is None or attempt.name_key != counted_key(username):
            request.login_attempt = attempt = begin(
                username,
                counted_address(request),
                timezone.now(),
                address_is_locked=super().is_locked(request, credentials),
            )
        return attempt.is_refused

    def user_login_failed(
        self, sender: Any, credentials: Mapping[str, str], request: Any = None, **kwargs: Any
    ) -> None:
        metrics.login_failure()
        attempt = getattr(request, "login_attempt", None)
        if attempt is None:
            super().user_login_failed(sender, credentials, request, **kwargs)
            return
        if not attempt.is_refused:
            self.count_failure(attempt, sender, credentials, request, **kwargs)
        if attempt.is_refused:
            request.axes_locked_out, request.axes_credentials = True, credentials

    def count_failure(
        self, attempt: Attempt, sender: Any, credentials: Mapping[str, str], request: Any, **kwargs: Any
    ) -> None:
        """From a locked address only accounts known there get here; axes must not count them, or others wait longer."""
        if not attempt.address_is_locked:
            super().user_login_failed(sender, credentials, request, **kwargs)
        failed(attempt, timezone.now())
        is_locked = attempt.address_is_locked or request.axes_locked_out
        attempt.wait = max(attempt.pause, cool_off() if is_locked else NO_TIME)

    def user_logged_in(self, sender: Any, request: Any, user: User, **kwargs: Any) -> None:
        """After a login by the admin's form. POST auth/token begins no session, and calls `logged_in` itself."""
        super().user_logged_in(sender, request, user, **kwargs)
        if attempt := getattr(request, "login_attempt", None):
            news = logged_in(attempt, user, timezone.now())
            if news.count:
                messages.warning(request, sentence(news), fail_silently=True)


def sentence(news: FailedLogins) -> str:
    """The text that the owner reads on the first page after the login."""
    text = ngettext(
        "Since your last login a wrong password was given once for your name,"
        " the last time on %(day)s at %(time)s UTC.",
        "Since your last login a wrong password was given %(count)s times for your name,"
        " the last time on %(day)s at %(time)s UTC.",
        news.count,
    )
    at = news.last_at
    day, time = (day_text(at.date()), f"{at:%H:%M}") if at else ("", "")
    return text % {"count": f"{news.count:,}", "day": day, "time": time}
