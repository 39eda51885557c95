"""The words that files use for their columns, for totals, and for what kind of asset an account is.

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

# The first type with a word in the name counts. A word that ends in * may go on.
_TYPES: tuple[tuple[str, frozenset[str]], ...] = (
    (
        "STUDENT_LOAN",
        words_of("student loan*, student debt*, studienkredit*, bafög, prêt étudiant, studieschuld*"),
    ),
    (
        "MORTGAGE",
        words_of(
            "mortgage*, hypothek*, baufinanzierung*, hypothèque*, prêt immobilier, hipoteca*, mutuo, hypotheek*"
        ),
    ),
    (
        "CREDIT_CARD",
        words_of(
            "credit card*, creditcard*, visa*, mastercard, amex, american express, kreditkarte*, carte de crédit*",
            "tarjeta*, carta di credito",
        ),
    ),
    (
        "LOAN",
        words_of("loan*, debt*, line of credit, heloc, kredit*, darlehen*, schuld*, emprunt*, prêt*, dette*")
        | words_of("préstamo*, deuda*, prestito*, debito, debiti, lening*, schulden"),
    ),
    (
        "PENSION",
        words_of(
            "pension*, 401k, 401(k), 403b, ira, roth, rrsp, retirement*, superannuation, rente*, altersvorsorge*"
        )
        | words_of("riester*, rürup*, bav, retraite, per, jubilación, pensione*, pensioen*, säule 3a"),
    ),
    (
        "CRYPTO",
        words_of("crypto*, bitcoin, btc, ethereum, eth, krypto*, cripto*, coinbase, kraken"),
    ),
    (
        "SAVINGS_ACCOUNT",
        words_of(
            "saving*, emergency fund, tagesgeld*, festgeld*, sparkonto, sparbuch, sparen, épargne, livret*, ahorro*"
        )
        | words_of("risparmi*, deposito, spaarrekening*, money market, certificate of deposit"),
    ),
    (
        "CHECKING_ACCOUNT",
        words_of("checking*, chequing*, current account*, giro*, bank account*, compte courant*"),
    ),
    (
        "CHECKING_ACCOUNT",
        words_of(
            "compte chèque*, cuenta corriente, cuenta nómina, conto corrente, betaalrekening*, lopende rekening"
        ),
    ),
    (
        "REAL_ESTATE",
        words_of(
            "real estate, house*, home, flat, apartment*, property, land, condo*, wohnung*, haus*, immobilie*"
        )
        | words_of(
            "grundstück*, maison*, appartement*, immobilier*, casa, piso, vivienda, inmueble*, immobile*"
        )
        | words_of("appartamento, huis*, woning*, vastgoed"),
    ),
    (
        "VEHICLE",
        words_of("car, cars, vehicle*, motorcycle*, boat, auto, autos, pkw, fahrzeug*, motorrad*, voiture*"),
    ),
    ("VEHICLE", words_of("coche*, vehículo*, veicolo*, voertuig*")),
    (
        "COMMODITIES",
        words_of("gold*, silver, platinum, commodit*, silber, rohstoff*, argent, oro, plata, goud"),
    ),
    ("BONDS", words_of("bond*, treasur*, anleihe*, obligation*, bonos, obbligazion*, obligatie*")),
    ("FUND", words_of("etf*, fund*, index fund*, mutual fund*, fonds*, fondo*, fondi")),
    (
        "STOCKS",
        words_of(
            "stock*, shares, equit*, brokerage*, investment*, portfolio, depot*, aktie*, wertpapier*, actions"
        )
        | words_of(
            "bourse, pea, acciones, inversion*, azioni, investiment*, aandelen, beleggingen, us shares"
        ),
    ),
    (
        "INSURANCE",
        words_of("insurance*, lebensversicherung*, versicherung*, assurance*, seguro*, assicurazione*"),
    ),
    (
        "BUSINESS_OWNERSHIP",
        words_of("business*, gmbh, llc, company, firma, unternehmen, entreprise, empresa, azienda"),
    ),
    ("COLLECTIBLES", words_of("art, collectible*, collection*, sammlung*, kunst, antiques, watches, uhren")),
    (
        "PERSONAL_PROPERTY",
        words_of("furniture, jewelry, jewellery, electronics, möbel, schmuck, hausrat"),
    ),
    ("CASH", words_of("cash*, bargeld*, wallet, espèces, liquide, efectivo, contanti, contant*, kasse")),
)
_CODES = words_of(
    "CASH, CHECKING_ACCOUNT, SAVINGS_ACCOUNT, REAL_ESTATE, STOCKS, BONDS, CRYPTO, COMMODITIES, PERSONAL_PROPERTY",
    "COLLECTIBLES, BUSINESS_OWNERSHIP, LOAN, CREDIT_CARD, MORTGAGE, OTHER, VEHICLE, PENSION, FUND, INSURANCE",
    "STUDENT_LOAN",
)
DEBTS = frozenset({"LOAN", "CREDIT_CARD", "MORTGAGE", "STUDENT_LOAN"})
OTHER = "OTHER"
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


@lru_cache(maxsize=4096)
def asset_type_of(*texts: str) -> str:
    """The code of the asset type that the first of the texts names that names one, else OTHER."""
    for text in texts:
        code = text.strip().upper().replace(" ", "_").replace("-", "_")
        if code in _CODES:
            return code
        words = f" {unicodedata.normalize('NFC', text).casefold()} "
        for asset_type, patterns in _TYPES:
            if any(_pattern(pattern).search(words) for pattern in patterns):
                return asset_type
    return OTHER


@lru_cache(maxsize=1024)
def _pattern(word: str) -> re.Pattern[str]:
    end = "" if word.endswith("*") else r"(?!\w)"
    return re.compile(rf"(?<!\w){re.escape(word.rstrip('*'))}{end}")
