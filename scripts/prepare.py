"""The first step of `make run`: migrate, load rates, create a demo household in an empty database, print the URLs."""

import io
import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "strata.settings")

import django
from django.conf import settings
from django.core.management import call_command

from strata.command_line import outages_as_sentences
from strata.environment.variables import bind_host, number, port_problem


def main() -> None:
    host, port = bind_host("BIND", "127.0.0.1"), number("PORT", 8000, most=65_535)
    if problem := port_problem(host, port):
        sys.exit(problem)
    django.setup()
    call_command("migrate", interactive=False, verbosity=0)
    load_rates_once()
    address = f"http://{host}:{port}{settings.SCRIPT_NAME}"
    print(f"\nStrata {settings.SPECTACULAR_SETTINGS['VERSION']}")
    print(
        f"  API      {address}/api/v1/\n  Swagger  {address}/swagger\n  Admin    {address}/admin/\n",
        flush=True,
    )
    if not settings.PRODUCTION:
        show_demo()


def show_demo() -> None:
    """Create the demo household and print its login. The password is public, so production never has it."""
    # Models can be imported only after django.setup().
    from strata.accounts.models import User

    password = os.environ.get("DEMO_PASSWORD") or "demo-household"
    call_command("demo", if_empty=True, password=password, verbosity=0, stdout=io.StringIO())
    if User.objects.filter(username="demo").exists():
        print(f"  Demo     user demo, password {password} (unless you have changed it)\n", flush=True)


def load_rates_once() -> None:
    # Models can be imported only after django.setup().
    from assets.rates.store import daily_rates

    if not daily_rates().exists():
        call_command("load_rates", verbosity=0)


if __name__ == "__main__":
    with outages_as_sentences():
        main()
