"""The words of Portfolio Performance for its columns and its types of bookings, in all of its languages."""

from __future__ import annotations

from collections.abc import Mapping

from imports.formats.named_columns import heading_of
from imports.reading.tables import Line
from imports.reading.words import words_of

# Some words are of two columns or of two types: what a file has beside them decides.
COLUMNS: dict[str, frozenset[str]] = {
    "account": words_of(
        "cash account, compte, compte espèces, conta caixa, conto di cassa, cuenta, kontantkonto, konto",
        "konto pieniężne, käteistili, nakit hesabı, peněžní účet, rekening, денежный счет",
    ),
    "offset": words_of(
        "bağlı hesap, compte de compensation, compte de contrapartida, conta de contrapartida",
        "conto di compensazione, cuenta de contrapartida, gegenkonto, konto przeciwstawne, modregningskonto",
        "offset account, tegenrekening, vastatili, vyrovnávací účet, зачетный счет",
    ),
    "gross_currency": words_of(
        "currency gross amount, divisa del importe bruto, döviz brüt tutarı, import brut de la divisa",
        "importo lordo valuta, kwota waluty brutto, montant brut en devise, měna v hrubé výši",
        "valor bruto em moeda, valuta (bruto), valuta bruttobeløb, valuutta (brutto), währung bruttobetrag",
        "валюта сумма (брутто)",
    ),
    "date": words_of(
        "data, date, dato, datum, fecha, i̇şlem tarihi, päivämäärä, дата",
    ),
    "rate": words_of(
        "döviz kuru, exchange rate, kurs wymiany, směnný kurz, tasso di cambio, taux de change",
        "taxa de câmbio, taxas de câmbio, tipo de cambio, tipus de canvi, vaihtokurssi, vekselkurs",
        "wechselkurs, wisselkoers, курс",
    ),
    "fees": words_of(
        "comisiones, comissions, comissões, commissioni, fees, frais, gebyrer, gebühren, komisyon, kosten",
        "kulut, opłaty, poplatky, taxas, сборы",
    ),
    "gross": words_of(
        "bruttobeløb, bruttobetrag, brüt tutar, gross amount, hrubá výše, importo lordo, kwota brutto",
        "montant brut, määrä (brutto), valor brut, valor bruto, waarde (bruto), валовая сумма",
    ),
    "isin": words_of(
        "isin",
    ),
    "note": words_of(
        "bemærkning, kommentti, nota, note, notiz, notlar, opmerking, poznámka, uwaga, заметка",
    ),
    "depot": words_of(
        "arvo-osuustili, compte de valors, compte-titres, conta de ativos, conta de títulos, conto titoli",
        "cuenta de valores, depot, effectenrekening, konto walorów, menkul kıymetler hesabı",
        "securities account, værdipapirkonto, účet cenných papírů, счет ценных бумаг",
    ),
    "offset_depot": words_of(
        "arvo-osuustilin vastatili, compte de compensation, compte de valors compensats",
        "conta de contrapartida de ativos, conta de títulos compensados, conto titoli di compensazione",
        "cuenta de valores compensados, gegendepot, konto przeciwstawne walorów",
        "menkul kıymetler hesabının mahsup edilmesi, modregnings værdipapirkonto, offset securities account",
        "tegenrekening, vyrovnávací účet cenných papírů, зачетный счет ценных бумаг",
    ),
    "quote": words_of(
        "cotation, cotação, cotització, cotización, csv sütun alıntısı, hinta, koers, kurs, kurz, quotazione",
        "quote, цена",
    ),
    "security": words_of(
        "arvopaperin nimi, effect, güvenilir ad, jméno cenného papíru, nazwa waloru, nom del valor",
        "nom du titre, nombre del valor, nome do ativo, nome do título, nome titolo, security, security name",
        "værdipapirnavn, wertpapier, wertpapiername, имя ценной бумаги",
    ),
    "shares": words_of(
        "aantal, akcie, akcje, aktier, azioni, cantidad, hisse senetleri, osuuksia, parts, quantidade",
        "quantitat, shares, stück, акций",
    ),
    "taxes": words_of(
        "belasting, daně, impostos, impuestos, impôts / taxes, podatki, skatter, steuern, tasse, taxes",
        "vergiler, verot, налоги",
    ),
    "symbol": words_of(
        "hisse kodu, osaketikkeri, označení tickeru, simbolo titolo, symbol, symbol giełdowy waloru",
        "symbole boursier, símbol del ticker, símbolo del ticker, símbolo do ativo, símbolo ticker, ticker",
        "ticker symbol, ticker-symbol, tickersymbool, værdipapirkode, тикер",
    ),
    "time": words_of(
        "aika, czas, heure, hora, ora, tid, tijd, time, uhrzeit, zaman, čas, время",
    ),
    "currency": words_of(
        "buchungswährung, devise de l'opération, divisa de la transacción, moeda da transação",
        "moneda de la transacció, para birimi, tapahtuman valuutta, transactievaluta, transaction currency",
        "transaktionsvaluta, transakční měna, valuta operazione, waluta transakcji, валюта транзакции",
    ),
    "type": words_of(
        "i̇şlem türü, tipo, tipus, transactietype, typ, type, tyyppi, тип",
    ),
    "value": words_of(
        "arvo, hodnota, net transaction value, tutarı, valeur, valor, valore, value, værdi, waarde (netto)",
        "wartość, wert, значение",
    ),
    "wkn": words_of(
        "hafta sonu, wkn",
    ),
}

# What the bookings of a file without a column of types may be. Of two types the first is that of values below zero.
ANSWERS_OF_SECURITIES: dict[str, tuple[str, ...]] = {
    "buy_or_sell": ("BUY", "SELL"),
    "buy": ("BUY",),
    "sell": ("SELL",),
    "dividend": ("DIVIDENDS",),
    "delivery_in": ("DELIVERY_INBOUND",),
    "delivery_out": ("DELIVERY_OUTBOUND",),
}
ANSWERS_OF_MONEY: dict[str, tuple[str, ...]] = {
    "deposit_or_withdrawal": ("REMOVAL", "DEPOSIT"),
    "deposit": ("DEPOSIT",),
    "withdrawal": ("REMOVAL",),
    "interest": ("INTEREST_CHARGE", "INTEREST"),
    "fee": ("FEES",),
    "tax": ("TAXES",),
}
ANSWERS = {**ANSWERS_OF_SECURITIES, **ANSWERS_OF_MONEY}

TYPES: dict[str, frozenset[str]] = {
    "BUY": words_of(
        "aankoop, achat, al, buy, compra, comprar, kauf, kupno, køb, kúpa, nákup, osto, satın alınan, покупка",
    ),
    "DEPOSIT": words_of(
        "deposit, deposito, depozyt, depósito, dipòsit, dépôt, einlage, indsæt, para yatır, storting",
        "talletus, vklad, пополнение",
    ),
    "DIVIDENDS": words_of(
        "dividend, dividenda, dividende, dividendes, dividendo, dividendy, dywidenda, osinko, temettü",
        "udbytte, дивиденд",
    ),
    "FEES": words_of(
        "comisiones, comissions, comissões, commissioni, fees, frais, gebyrer, gebühren, kosten, kulut",
        "masraflar, opłaty, poplatky, taxas, сборы",
    ),
    "FEES_REFUND": words_of(
        "fees refund, gebührenerstattung, kulujen hyvitys, masraf i̇adeleri, reembolso de comisiones",
        "reembolso de comissões, reembolso de taxas, reemborsament de comissions, refunderede gebyrer",
        "remboursement de frais, rimborso commissioni, terugbetaling kosten, vratka poplatku",
        "vrátenie poplatkov, zwrot opłat, возврат сборов",
    ),
    "INTEREST": words_of(
        "creditrente, faiz, intereses, interessi, interest, interés, intérêts, juros, korko, odsetki",
        "renteindtægter, zinsen, úrok, úroky, процент",
    ),
    "INTEREST_CHARGE": words_of(
        "cargo por intereses, càrrec per interessos, debetrente, encargos de juros, faiz giderleri",
        "frais d'intérêts, interessi passivi, interest charge, korkoveloitus, opłata odsetkowa",
        "poplatok z úroku, renteudgifter, zinsbelastung, úrokový poplatek, возврат процента",
    ),
    "REMOVAL": words_of(
        "entnahme, hævning, levantamento, nosto, onttrekking, para çek, prelievo, removal, retirada, retrait",
        "saque, výber, výběr, withdrawal, withdrawal/removal, wypłata, списание",
    ),
    "SELL": words_of(
        "myynti, predaj, prodej, sat, sell, sprzedaj, sprzedaż, sælg, venda, vender, vendi, venta, vente",
        "verkauf, verkoop, продажа",
    ),
    "TAXES": words_of(
        "belasting, dane, daně, impostos, impuestos, impôts / taxes, podatki, skatter, steuern, tasse, taxes",
        "vergiler, verot, налоги",
    ),
    "TAX_REFUND": words_of(
        "belastingteruggave, daňová vratka, devolució d'impostos, devolución de impuestos",
        "reembolso de impostos, remboursement impôts / taxes, rimborso tasse, steuerrückerstattung",
        "tax refund, tilbagebetalte skatter, vergi iadesi, verohyvitys, vrátenie dane, zwrot podatku",
        "возврат налога",
    ),
    "TRANSFER_IN": words_of(
        "hesaba transfer (giriş), inkomende overboeking, overfør (intern), prevod (prichádzajúci)",
        "převod (příchozí), siirto (saapuva), transfer (inbound), transfer (przychodzący)",
        "transferencia (entrada), transfert (entrant), transferència (entrada), transferência (entrada)",
        "trasferimento (in entrata), traspaso (entrada), traspàs (entrada), umbuchung (eingang)",
        "virman (gelen), перевод (входящий)",
    ),
    "TRANSFER_OUT": words_of(
        "hesaba transfer (çıkış), overfør (ekstern), prevod (odchádzajúci), převod (odchozí)",
        "siirto (lähtevä), transfer (outbound), transfer (wychodzący), transferencia (salida)",
        "transfert (sortant), transferència (sortida), transferência (saída), trasferimento (in uscita)",
        "traspaso (salida), traspàs (sortida), uitgaande overboeking, umbuchung (ausgang), virman (giden)",
        "перевод (исходящий)",
    ),
    "DELIVERY_INBOUND": words_of(
        "bonificação (recebimento), delivery (inbound), distribution (entrante), dostawa (przychodząca)",
        "einlieferung, entrega (entrada), entrega (entrante), inkomende levering, levering (indgående)",
        "lliurament (entrada), prevod cp (prichádzajúce), připsání cp, temettü (giriş), toimitus (saapuva)",
        "trasferimento titoli (in entrata), перевод (входящий)",
    ),
    "DELIVERY_OUTBOUND": words_of(
        "auslieferung, bonificação (saída), delivery (outbound), distribution (sortante)",
        "dostawa (wychodząca), entrega (saliente), entrega (saída), levering (udgående), lliurament (sortida)",
        "odepsání cp, prevod cp (odchádzajúce), temettü (çıkış), toimitus (lähtevä)",
        "trasferimento titoli (in uscita), uitgaande levering, перевод (исходящий)",
    ),
}


def places_in(header: Line, columns: Mapping[str, frozenset[str]]) -> dict[str, int]:
    """The index of each of our names: a heading is given to the first of them that has the word."""
    places: dict[str, int] = {}
    for index, cell in enumerate(header.cells):
        word = heading_of(cell) if isinstance(cell, str) else ""
        names = [name for name, words in columns.items() if word in words and name not in places]
        if names:
            places[names[0]] = index
    return places
