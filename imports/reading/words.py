"""The words that files use for their columns and for totals.

English, German, French, Spanish, Italian and Dutch, in small letters.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache


def words_of(*lists: str) -> frozenset[str]:
    """The words of lists that are parted by commas."""
    return frozenset(word.strip() for words in lists for word in words.split(","))


COLUMNS = {
    "asset": words_of(
        "account, asset, name, account name, asset name, accounts, assets, item, holding, description",
        "konto, kontoname, name des kontos, vermögen, vermögenswert, posten, bezeichnung, anlage, position",
        "compte, actif, nom, libellé, intitulé, cuenta, activo, nombre, conto, attività, nome, voce",
        "rekening, bezitting, naam, omschrijving",
    ),
    "date": words_of(
        "date, day, month, as of, as of date, balance date, value date, period, datum, tag, monat, stichtag, zeitraum",
        "jour, mois, période, fecha, día, mes, periodo, data, giorno, mese, dag, maand, periode",
    ),
    "value": words_of(
        "value, balance, amount, worth, total, market value, current value, current balance, net value",
        "wert, betrag, saldo, kontostand, marktwert, stand, valeur, solde, montant, valor, importe",
        "valore, importo, waarde, bedrag",
    ),
    "currency": words_of("currency, ccy, cur, currency code, währung, devise, moneda, divisa, valuta, munt"),
    "type": words_of(
        "type, category, class, asset type, asset class, account type, group, typ, art, kategorie, gruppe",
        "catégorie, tipo, categoría, categoria, gruppo, soort, groep",
    ),
    "note": words_of(
        "note, notes, comment, comments, memo, remark, remarks, notiz, notizen, bemerkung, bemerkungen, kommentar",
        "commentaire, nota, notas, comentario, commento, opmerking",
    ),
    "ticker": words_of("ticker, symbol, ticker symbol, isin, wkn"),
    "owned": words_of("debit, debits, owned, soll, aktiva, débit, debe, activos, dare, attivo, activa"),
    "owed": words_of(
        "credit, credits, owed, liabilities, haben, passiva, crédit, haber, pasivos, avere, passivo"
    ),
}

_TOTAL = words_of(
    "total, totals, sum, subtotal, grand total, net worth, networth, net total, total net worth, total assets",
    "total liabilities, total debt, total debts, assets total, liabilities total",
    "summe, gesamt, gesamtsumme, zwischensumme, insgesamt, gesamtvermögen, nettovermögen, reinvermögen",
    "vermögen gesamt, summe vermögen, summe schulden",
    "somme, total général, sous-total, patrimoine, patrimoine net, valeur nette",
    "suma, total general, patrimonio, patrimonio neto, totale, somma, subtotale, patrimonio netto",
    "totaal, som, subtotaal, netto vermogen, eigen vermogen, totaal vermogen",
)

_BRACKETS = re.compile(r"\s*[(\[][^)\]]*[)\]]\s*")


def plain(text: str) -> str:
    """The text in small letters, without what is in brackets and without a colon at its end."""
    return " ".join(_BRACKETS.sub(" ", unicodedata.normalize("NFC", text)).split()).rstrip(":").casefold()


@lru_cache(maxsize=4096)
def column_meaning(heading: str) -> str | None:
    """Our name of the column with this heading, None for a heading that is none of ours."""
    word = plain(heading)
    return next((name for name, words in COLUMNS.items() if word in words), None)


@lru_cache(maxsize=4096)
def is_total(name: str) -> bool:
    """Whether a row or column of this name is a total. "Total Market Fund" is none."""
    return plain(name) in _TOTAL
