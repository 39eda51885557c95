"""For each law, examples that it must find and examples that it must accept. `semgrep --test` compares them."""

# ruleid: no-shell
import subprocess

# ruleid: derived-tables-are-for-valuation
from assets.models import Asset, PackedPrices

# ok: derived-tables-are-for-valuation
from assets.models import PriceBlock

queryset = Asset.objects.all()  # the attribute of a class, which the base class limits to the caller's rows


def amounts(text):
    # ruleid: no-float
    as_float = float(text)
    # ok: no-float
    exact = Decimal(text)
    # ruleid: no-float
    field = models.FloatField()
    return as_float, exact, field


def reached(request, pk, link_model):
    # ruleid: rows-through-for-user
    Asset.objects.filter(pk=pk)
    # ruleid: rows-through-for-user
    Asset.objects.get(pk=pk)
    # ruleid: rows-through-for-user, reports-name-their-rows
    Asset.objects.all().for_user(request.user)
    # ruleid: rows-through-for-user
    Asset._base_manager.filter(pk=pk)
    # ok: rows-through-for-user
    Asset.objects.for_user(request.user).filter(pk=pk)
    # ok: rows-through-for-user
    link_model.objects.filter(asset=pk)


def written(row, rows, page):
    # ruleid: services-write
    row.save()
    # ruleid: services-write
    row.delete()
    # ruleid: services-write
    Asset.objects.create(name="x")
    # ruleid: services-write
    rows.filter(pk=1).update(name="x")
    # ok: services-write
    page.service.delete(row.pk)
    # ok: services-write
    return {}.update(name="x")


def reported(portfolios):
    # ruleid: rows-through-for-user, reports-name-their-rows
    AssetSnapshot.objects.values("value")
    # ok: reports-name-their-rows
    AssetSnapshot.objects.for_user(portfolios)


def shown(name):
    # ruleid: text-stays-text
    mark_safe(name)
    # ruleid: text-stays-text
    format_html(f"<b>{name}</b>")
    # ok: text-stays-text
    return format_html("<b>{}</b>", name)


def locked(rows):
    # ruleid: one-order-of-locks
    rows.select_for_update()
    # ruleid: one-order-of-locks
    rows.filter(pk=1).select_for_update(of=("self",)).first()
    # ok: one-order-of-locks
    rows.select_for_update(skip_locked=True)
    # ok: one-order-of-locks
    lock_rows(rows)


def asked(cursor, rows, name):
    # ruleid: no-raw-sql
    cursor.execute(f"SELECT * FROM {name}")
    # ruleid: no-raw-sql
    cursor.execute("SELECT * FROM %s" % name)
    # ruleid: no-raw-sql
    rows.raw("SELECT 1")
    # ruleid: no-raw-sql
    rows.extra(where=[name])
    # ok: no-raw-sql
    cursor.execute("SELECT 1 WHERE 1 = %s", [name])


def days():
    # ruleid: whose-day
    date.today()
    # ruleid: whose-day
    datetime.now()
    # ruleid: whose-day
    datetime.utcnow()
    # ok: whose-day
    datetime.now(UTC)
    # ok: whose-day
    timezone.now()


def named(rows):
    # ruleid: plain-names
    found = rows.filter(name="x")
    for one in rows:
        # ruleid: plain-names
        use(one)
    # ok: plain-names
    first = rows[0]
    # ok: plain-names
    return Findings(found=first.found)


def spoken(name):
    # ruleid: no-print
    print(name)


def ran(command):
    # ruleid: no-shell
    os.system(command)
    # ruleid: no-shell
    subprocess.run(command, shell=True)
    # ruleid: no-shell
    eval(command)


class Open:
    # ruleid: nobody-comes-in-here
    authentication_classes = ()
    # ruleid: nobody-comes-in-here
    permission_classes = (AllowAny,)


# ruleid: nobody-comes-in-here
@csrf_exempt
def webhook(request):
    return None


def journal_written(row, entries):
    # ruleid: one-writer-of-the-journal
    entry = JournalEntry(object_id=row.pk)
    # ruleid: one-writer-of-the-journal, services-write
    JournalEntry.objects.bulk_create(entries)
    # ok: one-writer-of-the-journal
    recorded = write_creations(entries)
    return entry, recorded
