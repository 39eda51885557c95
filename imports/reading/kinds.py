"""What kind of asset an account is, by the words of its name: English, German, French, Spanish, Italian, Dutch."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

from imports.reading.words import words_of

DEBTS = frozenset({"LOAN", "CREDIT_CARD", "MORTGAGE", "STUDENT_LOAN"})
OTHER = "OTHER"
_CODES = words_of(
    "CASH, CHECKING_ACCOUNT, SAVINGS_ACCOUNT, REAL_ESTATE, STOCKS, BONDS, CRYPTO, COMMODITIES, PERSONAL_PROPERTY",
    "COLLECTIBLES, BUSINESS_OWNERSHIP, LOAN, CREDIT_CARD, MORTGAGE, OTHER, VEHICLE, PENSION, FUND, INSURANCE",
    "STUDENT_LOAN",
)

# The first line with a word in the name counts: what is owed comes before what it was borrowed for, and the names of
# banks come last. A word that ends in * may go on, one that begins with * may be the end of another, as in Autokredit,
# and one that begins with = is the whole name, because it means something else beside other words.
_KINDS: tuple[tuple[str, str], ...] = (
    (
        "OTHER",
        "loan to*, loans to*, lent to*, owed to me*, owed to us*, receivable*, verliehen an*, darlehen an*",
    ),
    (
        "STUDENT_LOAN",
        "=duo, duo schuld, student loan*, student debt*, student finance, studienkredit*, studiendarlehen*, "
        "bafög*, bildungskredit*, prêt étudiant*, préstamo estudiant*, prestito student*, studielening*, "
        "studieschuld*",
    ),
    (
        "SAVINGS_ACCOUNT",
        "mortgage offset*, offset account*",
    ),
    (
        "MORTGAGE",
        "mortgage*, home loan*, housing loan*, hypothek*, *hypothek, baufinanzierung*, immobilienkredit*, "
        "immobiliendarlehen*, immobilienfinanzierung*, hauskredit*, hausdarlehen*, wohnungskredit*, wohnkredit*, "
        "wohnbaukredit*, baukredit*, baudarlehen*, hypothèque*, prêt immo*, crédit immo*, emprunt immo*, "
        "prêt habitat*, prêt maison, prêt appartement, hipoteca*, préstamo hipotecario*, mutuo*, mutui, hypotheek*",
    ),
    (
        "CHECKING_ACCOUNT",
        "debit card*, visa debit*, debit mastercard*, prepaid card*, debitkarte*, girokarte*, ec-karte*, "
        "carte de débit*, tarjeta de débito*, carta di debito*, pinpas*",
    ),
    (
        "CREDIT_CARD",
        "credit card*, creditcard*, charge card*, store card*, visa*, mastercard*, amex*, american express, "
        "barclaycard*, discover card*, apple card*, gold card*, platinum card*, chase sapphire*, kreditkarte*, "
        "*kreditkarte, carte de crédit*, carte bleue*, carte bancaire*, carte visa*, tarjeta*, carta di credito*, "
        "carte di credito",
    ),
    (
        "LOAN",
        "loan*, debt*, line of credit, lines of credit, heloc*, overdraft*, car finance, iou, owed to*, tax owed, "
        "taxes owed, kredit, kredite, *kredit, *kredite, kreditkonto*, darlehen*, *darlehen, schuld, schulden, "
        "*schulden, klarna*, dispo, dispositions*, überziehung*, finanzierung*, *finanzierung, steuerschuld*, "
        "emprunt*, prêt*, dette*, =crédit, crédit auto*, crédit conso*, crédit à la consommation, crédit moto, "
        "crédit perso*, découvert*, préstamo*, deuda*, =crédito, crédito coche, crédito personal, descubierto*, "
        "prestito*, prestiti, debito, debiti, finanziamento*, finanziamenti, scoperto*, lening*, leningen, "
        "*lening, roodstand*, krediet*",
    ),
    (
        "PENSION",
        "pension*, 401k, 401(k), roth, ira, sep ira, 403b, 403(b), 457b, 457(b), 457 plan, tsp, rrsp, =lira, "
        "=nest, nest pension*, sipp, retirement*, superannuation*, =super, super fund, smsf, altersvorsorge*, "
        "rente, rentenversicherung*, betriebsrente*, privatrente*, zusatzrente*, riester*, rürup*, basisrente*, "
        "bav, *pension, vorsorgekonto*, vorsorgedepot*, bvg, pillar 3a, 3a, 3. säule, freizügigkeit*, "
        "unterstützungskasse*, direktversicherung*, retraite*, =per, per individuel*, perco*, pereco*, perp, "
        "préfon, madelin, jubilación, plan de pensiones, planes de pensiones, previdenza*, tfr, pip, pensioen*, "
        "lijfrente*",
    ),
    (
        "CRYPTO",
        "crypto*, bitcoin*, btc, ethereum*, eth, krypto*, cripto*, coinbase*, kraken, binance*, bitpanda*, "
        "ledger wallet, ledger nano, metamask*, hardware wallet*, stablecoin*",
    ),
    (
        "BONDS",
        "savings bond*, bundesschatz*",
    ),
    (
        "SAVINGS_ACCOUNT",
        "hsa, piggy bank*, saving*, cash isa*, emergency fund*, rainy day fund*, sinking fund*, holiday fund*, "
        "vacation fund*, car fund*, house fund*, home fund*, travel fund*, wedding fund*, hysa, cd, cds, "
        "certificate of deposit, certificates of deposit, term deposit*, fixed deposit*, time deposit*, "
        "money market*, premium bonds, credit union*, rent deposit*, tagesgeld*, festgeld*, termingeld*, spar, "
        "sparkonto*, sparbuch*, sparbrief*, sparen, spareinlage*, *sparen, *sparer, sparvertrag*, *sparvertrag, "
        "notgroschen*, rücklage, rücklagen, *rücklage, *rücklagen, urlaubskonto*, urlaubskasse*, kaution*, "
        "*kaution, ersparnisse*, épargne*, livret*, ldd, ldds, lep, pel, =cel, compte à terme*, fonds d'urgence, "
        "ahorro*, plazo fijo, depósito*, cuenta remunerada, fondo de emergencia, hucha, risparmi*, deposito*, "
        "libretto*, fondo emergenz*, buono fruttifero, buoni fruttiferi, spaar*, noodfonds*, buffer, "
        "bufferrekening*",
    ),
    (
        "INSURANCE",
        "insurance*, life assurance*, endowment policy, whole life, *versicherung, versicherung*, assurance*, "
        "seguro*, polizza*, polizze, assicurazion*, *verzekering",
    ),
    (
        "FUND",
        "real estate fund*, reit, reits, gold etf*, bond etf*, bond fund*, scpi, etf*, *etf, *etfs, index fund*, "
        "mutual fund*, unit trust*, target date*, s&p 500, msci*, ftse all*, vwce, 529, fonds*, *fonds, opcvm, "
        "sicav, fondo*, fondi*, fund*",
    ),
    (
        "REAL_ESTATE",
        "investment propert*, rental propert*, buy to let*, buy-to-let*",
    ),
    (
        "STOCKS",
        "stock*, shares, equit*, brokerage*, isa, lisa, tfsa, resp, rsu, rsus, espp, investing, investment*, "
        "portfolio, depot*, *depot, aktie*, *aktien, wertpapier*, anteile an, compte-titres*, compte titres*, "
        "cto, actions, bourse, pea, pea-pme, acciones, cartera*, inversiones, inversion, inversión, bolsa, "
        "azioni, investiment*, dossier titoli, titoli, aandelen*, belegging*, beleggen, effectenrekening*, "
        "trade republic*, scalable*, degiro*, etoro*, interactive brokers*, ibkr*, robinhood*, vanguard*, "
        "fidelity*, schwab*, charles schwab*, e*trade, etrade*, trading 212*, freetrade*, hargreaves*, "
        "questrade*, wealthsimple*, fineco, bolero, flatex*, swissquote*",
    ),
    (
        "BONDS",
        "bond*, treasur*, t-bill*, t bills, gilt*, anleihe*, *anleihe, *anleihen, obligation*, bonos*, "
        "letras del tesoro, letras, obligacion*, obbligazion*, btp*, =bot, buoni del tesoro, =cct, obligatie*, "
        "staatsobligatie*",
    ),
    (
        "CHECKING_ACCOUNT",
        "checking*, chequing*, current account*, current, joint account*, joint, bank account*, bank, everyday, "
        "everyday account*, spending account*, transaction account*, cash account*, account, giro*, "
        "kontokorrent*, konto, *konto, compte courant*, compte chèque*, compte, cuenta corriente*, "
        "cuenta nómina*, cuenta, conto corrente*, conto, banca, cointestato, betaalrekening*, lopende rekening*, "
        "privérekening*, zichtrekening*, huishoudrekening*, bankrekening*, gezamenlijk, rekening",
    ),
    (
        "REAL_ESTATE",
        "real estate*, house, houses, home, homes, flat, flats, apartment*, property, properties, =land, "
        "building land, plot of land, condo*, townhouse*, cottage*, villa*, chalet*, residence, residences, "
        "garage*, parking space*, car park, building plot, duplex, haus, häuser, *haus, *häuser, wohnung*, "
        "*wohnung, *wohnungen, eigenheim*, immobilie*, grundstück*, *grundstück, stellplatz*, *stellplatz, "
        "=acker, ackerland, =wald, schrebergarten, maison*, appartement*, immobilier*, résidence*, terrain*, "
        "=studio, casa, casas, piso, pisos, vivienda*, inmueble*, apartamento*, terreno*, terreni, "
        "plaza de garaje, finca, immobile*, immobili, appartamento*, box auto, huis*, *huis, woning*, *woning, "
        "vastgoed*, grond",
    ),
    (
        "VEHICLE",
        "car, cars, vehicle*, =van, campervan*, camper*, caravan*, rv, suv, truck*, motorbike*, motorcycle*, "
        "scooter*, boat*, yacht*, bike, bikes, bicycle*, e-bike*, tesla*, bmw*, toyota*, volkswagen*, vw, audi*, "
        "volvo*, renault*, peugeot*, skoda*, škoda*, land rover*, auto, autos, auto's, pkw, kfz, fahrzeug*, "
        "*fahrzeug, wohnmobil*, wohnwagen*, motorrad*, fahrrad*, segelboot*, voiture*, moto, motos, bateau*, "
        "vélo*, camping-car*, véhicule*, coche*, vehículo*, barco*, bicicleta*, furgoneta*, autocaravana*, "
        "macchina*, automobile*, veicolo*, barca*, bici, bicicletta*, voertuig*, =motor, fiets*, =boot, bestelbus*",
    ),
    (
        "BUSINESS_OWNERSHIP",
        "business*, gmbh*, llc, ltd, =company, my company, our company, firma, unternehmen*, beteiligung*, "
        "*beteiligung, entreprise, parts sociales, sarl, =sci, empresa, negocio, participación*, azienda, "
        "società, bedrijf",
    ),
    (
        "COMMODITIES",
        "gold, goldbarren, goldmünze*, silver, platinum, palladium, bullion, precious metal*, commodit*, "
        "krügerrand*, silber*, edelmetall*, rohstoff*, lingot*, pièces d'or, =or, or physique, =argent, "
        "argent métal, métaux précieux, oro, plata, metales preciosos, argento, metalli preziosi, goud, zilver*, "
        "edelmetalen",
    ),
    (
        "COLLECTIBLES",
        "art, artwork*, painting*, collectible*, collection*, antique*, watch, watches, wine, stamps, coins, "
        "lego, sammlung*, *sammlung, kunst, kunstwerk*, gemälde*, uhren, armbanduhr*, antiquität*, briefmarken*, "
        "münzen, weinkeller, œuvres d'art, oeuvres d'art, tableaux, montre*, obras de arte, colección*, relojes, "
        "arte, opere d'arte, collezion*, orologi*, verzameling*, horloge*, schilderij*",
    ),
    (
        "PERSONAL_PROPERTY",
        "furniture, jewelry, jewellery, electronics, household goods, contents, belongings, möbel, schmuck, "
        "hausrat*, elektronik, meubles*, bijoux*, muebles*, joyas*, mobili, arredamento, gioielli*, meubels*, "
        "sieraden*, inboedel*",
    ),
    (
        "CASH",
        "cash*, bargeld*, wallet*, =safe, portemonnaie*, geldbörse*, kasse, espèces, liquide, liquidités, "
        "efectivo, contanti, contant*, portemonnee*",
    ),
    (
        "CHECKING_ACCOUNT",
        "n26, revolut*, wise, paypal*, monzo*, starling*, ing, ing-diba, dkb, comdirect, sparkasse*, postbank*, "
        "volksbank*, raiffeisen*, commerzbank*, lloyds*, hsbc*, barclays*, natwest*, nationwide*, santander*, "
        "chase*, wells fargo*, citibank*, bnp*, crédit agricole*, crédit mutuel*, société générale*, "
        "la banque postale, boursorama*, boursobank*, caisse d'épargne, fortuneo*, bbva*, caixabank*, la caixa, "
        "sabadell*, bankinter*, intesa*, unicredit*, poste italiane, bancoposta*, rabobank*, abn amro*, bunq*, "
        "knab*, asn, kbc*, belfius*, ubs*, zkb*, postfinance*, bawag*",
    ),
)


@lru_cache(maxsize=4096)
def asset_type_of(*texts: str) -> str:
    """The code of the asset type that the first of the texts names that names one, else OTHER."""
    for text in texts:
        code = text.strip().upper().replace(" ", "_").replace("-", "_")
        if code in _CODES:
            return code
        words = unicodedata.normalize("NFC", text).casefold().replace("’", "'")
        for asset_type, pattern in _patterns():
            if pattern.search(words):
                return asset_type
    return OTHER


@lru_cache(maxsize=1)
def _patterns() -> list[tuple[str, re.Pattern[str]]]:
    return [
        (asset_type, re.compile("|".join(map(_pattern, sorted(words_of(words))))))
        for asset_type, words in _KINDS
    ]


def _pattern(word: str) -> str:
    if word.startswith("="):
        return rf"\A\s*{re.escape(word[1:])}\s*\Z"
    start = "" if word.startswith("*") else r"(?<!\w)"
    end = "" if word.endswith("*") else r"(?!\w)"
    return f"{start}{re.escape(word.strip('*'))}{end}"
