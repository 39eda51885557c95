"""Who has to wait before a password is tried: after failures from one address, and after many on one account.

An address: AXES_FAILURE_LIMIT failures in a quarter of an hour, counted by axes. An account: from the hundredth failure
in a row on, from any address, a pause that doubles with each further one. It is counted by the name as it was typed,
for names that no user has too, with the same statements and the same answers.

An address from which the account has logged in before is not kept from trying by either, so that nobody who only
knows a name, or shares an address, locks its owner out. There the pause is short, and begins late.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from axes.handlers.database import AxesDatabaseHandler
from django.conf import settings
from django.contrib import messages
from django.db import models
from django.utils import timezone

from strata import signals
from strata.accounts.models import EVERYWHERE, NO_ADDRESS, LoginCount, User, username_key
from strata.api.http.throttles import client_of
from strata.audit import actor
from strata.db.locks import lock_rows
from strata.db.retry import Restart, run_in_transaction

NO_TIME = timedelta(0)
FORGOTTEN_AFTER = timedelta(days=30)  # without an attempt
LONGEST_EXPONENT = 16
LONGEST_NAME = 255  # of what is typed; no user's is longer than 150


@dataclass(frozen=True, slots=True)
class Pauses:
    """From the `limit`th attempt in a row on: `first`, and twice as long after each further one, up to `longest`."""

    limit: int
    first: timedelta
    longest: timedelta

    def after(self, attempts: int) -> timedelta:
        if attempts < self.limit:
            return NO_TIME
        return min(self.first * 2 ** min(attempts - self.limit, LONGEST_EXPONENT), self.longest)


OF_ACCOUNT = Pauses(100, timedelta(minutes=1), timedelta(hours=1))
# There the account's owner is: ten times as many, and then one in ten seconds, which is 8,640 a day.
OF_KNOWN_ADDRESS = Pauses(1000, timedelta(seconds=10), timedelta(seconds=10))


@dataclass(slots=True)
class Attempt:
    """A password of `name_key` that is about to be tried, or is not: `wait` says for how long it is refused."""

    name_key: str
    address: str
    address_is_locked: bool = False
    is_known: bool = False
    wait: timedelta = NO_TIME
    pause: timedelta = NO_TIME  # of the account, should this attempt fail

    @property
    def is_refused(self) -> bool:
        return self.wait > NO_TIME

    def counts(self) -> models.QuerySet[LoginCount]:
        return LoginCount.objects.filter(name_key=self.name_key, address__in=(EVERYWHERE, self.address))


@dataclass(frozen=True, slots=True)
class FailedLogins:
    """What the owner is told at the next login."""

    count: int = 0
    last_at: datetime | None = None


def begin(username: str, address: str, now: datetime, *, address_is_locked: bool) -> Attempt:
    """Counts the attempt, unless it has to wait. It is counted before the password is looked at, see LoginCount."""
    attempt = Attempt(counted_key(username), address, address_is_locked)
    decide(attempt, {count.address: count for count in attempt.counts()}, now)
    if not attempt.is_refused:
        run_in_transaction(lambda: count_attempt(attempt, now))
    return attempt


def counted_key(username: str) -> str:
    """As usernames' keys are made, so that no way of writing a name has a count of its own. It may be any length."""
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
    """Of the pause. None of it where the clock was put back to long before its beginning."""
    if count is None or count.last_attempt_at - now > pauses.longest or is_forgotten(count, now):
        return NO_TIME
    pause = pauses.after(count.attempts)
    return max(min(count.last_attempt_at + pause - now, pause), NO_TIME)


def pause_of(count: LoginCount, now: datetime) -> timedelta:
    """What is left of it, for whom the row is about."""
    return left(OF_ACCOUNT if count.address == EVERYWHERE else OF_KNOWN_ADDRESS, count, now)


def is_forgotten(count: LoginCount, now: datetime) -> bool:
    return count.last_attempt_at < now - FORGOTTEN_AFTER


def cool_off() -> timedelta:
    return timedelta(hours=settings.AXES_COOLOFF_TIME)


def count_attempt(attempt: Attempt, now: datetime) -> None:
    """Looks again with the rows locked: of many at a time only as many get through as there are attempts left."""
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
    """The rows of the account and of the address. The account's, which is made if need be, is locked for both.

    They are read once it is locked: a statement that waited for the lock does not see what others made meanwhile.
    """
    account = LoginCount(name_key=attempt.name_key, last_attempt_at=now)
    LoginCount.objects.bulk_create([account], ignore_conflicts=True)
    if not lock_rows(attempt.counts().filter(address=EVERYWHERE)):
        raise Restart("the row was old, and somebody deleted it")
    return {count.address: count for count in attempt.counts()}


def failed(attempt: Attempt, now: datetime) -> None:
    """The password was wrong."""
    attempt.counts().filter(address=EVERYWHERE).update(failures=models.F("failures") + 1, last_failure_at=now)
    forget_strangers(now)


def forget_strangers(now: datetime) -> None:
    """Counts of names that no user has, when nobody has tried them for long; else they would be kept for ever."""
    old = LoginCount.objects.filter(last_attempt_at__lt=now - FORGOTTEN_AFTER)
    old.exclude(name_key__in=User.objects.values("username_key")).delete()


def was_right(attempt: Attempt, now: datetime) -> None:
    """The failures were not in a row. A pause that a known address passed by stays for everybody else."""
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
    """The address is known from now on; what failed since the last login is told, this once.

    On every way in, and so the apps above hear of it here.
    """
    actor.identify(user)

    def note_and_tell() -> FailedLogins:
        news = note_login(attempt, now)
        signals.logged_in.send(type(user), user=user)
        return news

    return run_in_transaction(note_and_tell)


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


def lockout_parameters(request: Any, credentials: Any) -> list:
    """Clients without an address are not locked out together, but each name by itself."""
    has_address = counted_address(request) != NO_ADDRESS
    return [["username", "ip_address"], *(["ip_address"] if has_address else [])]


class Handler(AxesDatabaseHandler):
    """Axes counts by address; here the account's count goes beside it, on every way in. Settings: AXES_HANDLER."""

    def is_locked(self, request, credentials=None):
        """Asked more than once in a request: the attempt is counted the first time."""
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

    def user_login_failed(self, sender, credentials, request=None, **kwargs):
        attempt = getattr(request, "login_attempt", None)
        if attempt is None:
            super().user_login_failed(sender, credentials, request, **kwargs)
            return
        if not attempt.is_refused:
            self.count_failure(attempt, sender, credentials, request, **kwargs)
        if attempt.is_refused:
            request.axes_locked_out, request.axes_credentials = True, credentials

    def count_failure(self, attempt, sender, credentials, request, **kwargs):
        """Of a locked address only who is known there gets this far. Axes would let its others wait longer for it."""
        if not attempt.address_is_locked:
            super().user_login_failed(sender, credentials, request, **kwargs)
        failed(attempt, timezone.now())
        is_locked = attempt.address_is_locked or request.axes_locked_out
        attempt.wait = max(attempt.pause, cool_off() if is_locked else NO_TIME)

    def user_logged_in(self, sender, request, user, **kwargs):
        """By the admin's form. POST auth/token begins no session, and calls `logged_in` itself."""
        super().user_logged_in(sender, request, user, **kwargs)
        if attempt := getattr(request, "login_attempt", None):
            news = logged_in(attempt, user, timezone.now())
            if news.count:
                messages.warning(request, sentence(news), fail_silently=True)


def sentence(news: FailedLogins) -> str:
    """What the owner reads on the first page after the login."""
    times = "once" if news.count == 1 else f"{news.count:,} times"
    return (
        f"Since your last login a wrong password was given {times} for your name,"
        f" the last time on {news.last_at:%Y-%m-%d at %H:%M} UTC."
    )
