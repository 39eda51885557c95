"""Ordinary names of accounts, in six languages, and the type that each is offered with."""

import pytest

from imports.reading.kinds import asset_type_of

NAMES = {
    "CHECKING_ACCOUNT": (
        "Joint account|Joint Account (Barclays)|Current Account|Everyday account",
        "Main account|Bank|Chase Checking|Debit card",
        "Business account|Girokonto|Gemeinschaftskonto|Haushaltskonto",
        "Gehaltskonto|Sparkasse|Konto|Compte joint|Compte courant",
        "Compte bancaire|Crédit Agricole|Cuenta conjunta",
        "Cuenta corriente|Cuenta nómina|Conto corrente|Conto cointestato",
        "Betaalrekening|Gezamenlijke rekening|En/of-rekening|Rekening van Jan|ING|N26|PayPal|Silver Lake Bank",
    ),
    "CREDIT_CARD": (
        "Amex|Barclays Visa|Barclaycard|Gold card",
        "Store card|Kreditkarte|ADAC-Kreditkarte|Carte bleue|Carte de crédit",
        "Tarjeta de crédito|Carta di credito|Creditcard",
    ),
    "SAVINGS_ACCOUNT": (
        "Savings|Emergency fund|Rainy day fund|House fund",
        "Cash ISA|Certificates of deposit|Tagesgeldkonto|Notgroschen",
        "Bausparvertrag|Rücklagen|Livret A|LDDS",
        "Plan épargne logement|Cuenta de ahorro|Plazo fijo|Conto deposito|Spaargeld",
        "Libretto postale|Noodfonds",
    ),
    "STOCKS": (
        "Brokerage|Vanguard|Stocks and Shares ISA|Cars & Co shares|Depot",
        "Depotkonto|Aktien|Compte-titres|PEA|Cartera|Azioni",
        "Beleggingsrekening|Trade Republic",
    ),
    "FUND": ("ETF-Depot|Index funds|Real estate fund|Immobilienfonds|Fondos de inversión|Fondi comuni",),
    "BONDS": ("Bonds|Savings bonds|T-bills|Staatsanleihen|Letras del Tesoro|Buoni del tesoro|Obligaties",),
    "PENSION": (
        "401(k)|403(b)|SIPP|Workplace pension|Company pension",
        "Betriebsrente|Rentenversicherung|Säule 3a|PER|Retraite",
        "Plan de pensiones|TFR|Lijfrente|Super",
    ),
    "REAL_ESTATE": (
        "House|Holiday home|Investment property|Garage",
        "Ferienwohnung|Eigenheim|Elternhaus|Stellplatz|Résidence principale",
        "Apartamento|Prima casa|Koophuis|Land",
    ),
    "VEHICLE": (
        "Car|Company car|Campervan|Land Rover|Wohnmobil|Fahrrad|Moto|Voiture|Coche|Macchina|Fiets|Auto's|Van",
    ),
    "MORTGAGE": (
        "Home loan|Hypothek|Baukredit|Immobiliendarlehen|Crédit immobilier|Hipoteca|Mutuo casa|Hypotheek",
    ),
    "LOAN": (
        "Car loan|Overdraft|Car finance|Owed to Bob|Autokredit",
        "Ratenkredit|Dispo|Crédit auto|Prêt auto|Préstamo coche",
        "Finanziamento auto|Autolening|Schulden",
    ),
    "STUDENT_LOAN": ("Student loan|BAföG|Prêt étudiant|Studielening|DUO",),
    "CRYPTO": ("Bitcoin wallet|Kraken|Criptomonedas",),
    "COMMODITIES": ("Gold coins|Silbermünzen|Or|Oro|Goud",),
    "CASH": ("Petty cash|Bargeld|Espèces|Efectivo|Contanti|Contant geld",),
    "INSURANCE": ("Life insurance|Kapitallebensversicherung|Assurance vie|Polizza vita|Levensverzekering",),
    "PERSONAL_PROPERTY": ("Household goods|Hausrat|Bijoux|Joyas|Gioielli|Meubels",),
    "OTHER": (
        "Loan to a friend|Money owed to me|Carrefour|Peru trip|Goldman Sachs|Spullen van Jan|Per diem",
    ),
}


@pytest.mark.parametrize(
    ("name", "asset_type"),
    [(name, code) for code, lists in NAMES.items() for names in lists for name in names.split("|")],
)
def test_ordinary_name_has_its_type(name, asset_type):
    assert asset_type_of(name) == asset_type


def test_first_text_that_names_a_type_counts():
    assert asset_type_of("REAL_ESTATE", "Savings") == "REAL_ESTATE"
    assert asset_type_of("Things", "Savings") == "SAVINGS_ACCOUNT"
