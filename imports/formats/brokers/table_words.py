"""What the type of a row of trades is called, in six languages."""

from __future__ import annotations

from imports.reading.words import words_of

BUY, SELL, IN, OUT = "buy", "sell", "in", "out"
INCOME, EXPENSE, RECEIVED, PAID, MOVED = "income", "expense", "received", "paid", "moved"
ACTION = "action"
_WORDS = {
    BUY: "buy, bought, purchase, b, market buy, limit buy, buy to open, kauf, kaufen, sparplan, achat, compra,"
    " acquisto, koop, aankoop, savings plan, reinvestment",
    SELL: "sell, sold, sale, s, market sell, limit sell, sell to close, verkauf, verkaufen, vente, venta, vendita,"
    " verkoop",
    IN: "transfer in, delivery in, delivery (inbound), einlieferung, deposit of shares, gift",
    OUT: "transfer out, delivery out, delivery (outbound), auslieferung",
    INCOME: "dividend, dividends, div, cash dividend, interest, distribution, coupon, staking, staking reward,"
    " reward, bonus, dividende, ausschüttung, zinsen, zins, intérêts, dividendo, dividendos, interés, intereses,"
    " dividendi, interessi, rente, dividenden",
    EXPENSE: "fee, fees, commission, tax, taxes, withholding tax, gebühr, gebühren, steuer, steuern, frais, impôt,"
    " comisión, impuesto, commissione, imposta, kosten, belasting",
    RECEIVED: "deposit, cash in, einzahlung, dépôt, depósito, deposito, storting",
    PAID: "withdrawal, cash out, auszahlung, retrait, retirada, prelievo, opname",
    MOVED: "transfer, umbuchung, überweisung, virement, transferencia, bonifico, overboeking",
    ACTION: "split, stock split, reverse split, spin-off, spinoff, merger, aktiensplit",
}
KINDS = {word: kind for kind, words in _WORDS.items() for word in words_of(words)}
CLASSES = {"bond": "bond", "bonds": "bond", "anleihe": "bond", "crypto": "crypto", "cryptocurrency": "crypto"}
CLASSES |= {"krypto": "crypto", "commodity": "commodity", "commodities": "commodity", "rohstoff": "commodity"}
CLASSES |= {"etf": "etf", "fund": "fund", "mutual fund": "fund", "fonds": "fund", "option": "option"}
