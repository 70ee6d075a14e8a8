"""How people and databases write the same cell: folding, plurals, small spelling differences, common codes."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

_WORD = re.compile(r"[^\W_]+(?:['’][^\W_]+)*")
_DIGITS = re.compile(r"\d+")
_NEGATION = re.compile("^(?:un|in|non|dis)(?=[a-z]{4})")
_NO_PLURAL_ENDINGS = ("ss", "us", "is", "os")
_ES_ENDINGS = ("sses", "shes", "ches", "xes", "zes")


def word_spans(text: str) -> list[tuple[int, int]]:
    """Where the words of ``text`` stand, punctuation left out: (start, end) offsets."""
    return [match.span() for match in _WORD.finditer(text)]


def folded_words(text: str) -> list[str]:
    """The words of ``text`` without case, accents, possessive and plural: ``"Cafés, Zoë's" -> ["cafe", "zoe"]``."""
    return [fold_word(word) for word in _WORD.findall(text)]


@lru_cache(maxsize=50_000)
def fold_word(word: str) -> str:
    """One word without case, accents, possessive and plural."""
    folded = word.casefold()
    if not folded.isascii():
        folded = "".join(c for c in unicodedata.normalize("NFKD", folded) if not unicodedata.combining(c))
        folded = folded.replace("’", "'")
    folded = folded.removesuffix("'s").replace("'", "")
    return _without_plural(folded)


def _without_plural(word: str) -> str:
    if len(word) > 4 and word.endswith("ie"):
        return word[:-2] + "y"
    if len(word) < 4 or not word.endswith("s") or word.endswith(_NO_PLURAL_ENDINGS):
        return word
    if word.endswith("ies") and len(word) > 4:
        return word[:-3] + "y"
    return word[:-2] if word.endswith(_ES_ENDINGS) else word[:-1]


def is_near(one: str, other: str) -> bool:
    """Whether two folded texts differ by typing slips: a letter more, less, wrong, or two letters swapped.

    Texts of nine letters and more may hold two slips. Digits are never slips: "flight 12" is not "flight 13".
    """
    slips = allowed_slips(min(one, other, key=len))
    return _DIGITS.findall(one) == _DIGITS.findall(other) and _slips(one, other, slips) <= slips


def allowed_slips(text: str) -> int:
    return 1 if len(text) < 9 else 2


def are_of_one_family(one: str, other: str) -> bool:
    """Whether two folded words look like forms of one word: ``success``, ``successful``; ``fail``, ``failure``."""
    shared = next((i for i, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))
    shorter = min(len(one), len(other))
    return shared >= 4 and (shared == shorter or (shared >= 5 and shorter - shared <= 2))


def is_same_or_opposite(one: str, other: str) -> bool:
    """Whether two folded words are one word or forms of it, negated or not: ``approved``, ``unapproved``."""
    one, other = (_NEGATION.sub("", word) for word in (one, other))
    return one == other or (min(len(one), len(other)) >= 4 and are_of_one_family(one, other))


def _slips(one: str, other: str, bound: int) -> int:
    """Damerau's distance with adjacent swaps, given up with ``bound + 1`` as soon as it must be larger."""
    if abs(len(one) - len(other)) > bound:
        return bound + 1
    before: list[int] = []
    previous = list(range(len(other) + 1))
    for row, letter in enumerate(one, start=1):
        current = [row]
        for column, against in enumerate(other, start=1):
            cost = min(previous[column] + 1, current[column - 1] + 1, previous[column - 1] + (letter != against))
            if row > 1 and column > 1 and letter == other[column - 2] and one[row - 2] == against:
                cost = min(cost, before[column - 2] + 1)
            current.append(cost)
        if min(current) > bound:
            return bound + 1
        before, previous = previous, current
    return previous[-1]


def codes_of(phrase: str) -> tuple[str, ...]:
    """What a column of few distinct values may hold for a folded ``phrase``: ``"woman" -> ("f", "female", …)``."""
    return _CODES.get(phrase, ())


def _codes() -> dict[str, tuple[str, ...]]:
    codes: dict[str, tuple[str, ...]] = {}
    for line in _SAME_MEANING.strip().splitlines():
        phrases, _, cells = line.partition(":")
        meant = tuple(" ".join(folded_words(cell)) for cell in cells.split(","))
        for phrase in phrases.split(","):
            folded = " ".join(folded_words(phrase))
            codes[folded] = tuple(dict.fromkeys((*codes.get(folded, ()), *meant)))
    return codes


# Phrases of questions: what a cell may hold for them. General knowledge, written for this package.
_SAME_MEANING = """
female, females, woman, women, girl, girls, lady, ladies: F, Female, Woman, W
male, males, man, men, boy, boys, gentleman: M, Male, Man
yes, true: Y, Yes, T, True
no, false: N, No, F, False
canceled, cancelled: canceled, cancelled, cancel, cancellation
finished, done, complete, completed: completed, complete, done, finished, closed
delivered, shipped: delivered, shipped, sent
unpaid, overdue: unpaid, overdue, open, past due
monday: Mon
tuesday: Tue
wednesday: Wed
thursday: Thu
friday: Fri
saturday: Sat
sunday: Sun
january: Jan
february: Feb
march: Mar
april: Apr
june: Jun
july: Jul
august: Aug
september: Sep, Sept
october: Oct
november: Nov
december: Dec
spring: Spring
fall, autumn: Fall, Autumn
american, usa, us, america: USA, US, United States, United States of America, America, American
united states, united states of america, u.s., u.s.a.: USA, US, United States, United States of America, America
british, uk, united kingdom, great britain, britain, u.k.: UK, GB, GBR, United Kingdom, Great Britain, Britain, British
english, england: England, English, ENG, en
scottish, scotland: Scotland, Scottish
welsh, wales: Wales, Welsh
irish, ireland: Ireland, IE, IRL, Irish
french, france: France, FR, FRA, French
german, germany: Germany, DE, GER, DEU, German
italian, italy: Italy, IT, ITA, Italian
spanish, spain: Spain, ES, ESP, Spanish
portuguese, portugal: Portugal, PT, POR, PRT, Portuguese
dutch, netherlands, the netherlands, holland: Netherlands, NL, NLD, NED, Holland, Dutch
belgian, belgium: Belgium, BE, BEL, Belgian
swiss, switzerland: Switzerland, CH, CHE, SUI, Swiss
austrian, austria: Austria, AT, AUT, Austrian
swedish, sweden: Sweden, SE, SWE, Swedish
norwegian, norway: Norway, NO, NOR, Norwegian
danish, denmark: Denmark, DK, DNK, DEN, Danish
finnish, finland: Finland, FI, FIN, Finnish
polish, poland: Poland, PL, POL, Polish
czech, czech republic, czechia: Czech Republic, Czechia, CZ, CZE, Czech
slovak, slovakia: Slovakia, SK, SVK, Slovak
hungarian, hungary: Hungary, HU, HUN, Hungarian
romanian, romania: Romania, RO, ROU, Romanian
bulgarian, bulgaria: Bulgaria, BG, BGR, Bulgarian
greek, greece: Greece, GR, GRC, Greek
turkish, turkey: Turkey, TR, TUR, Turkish
russian, russia: Russia, RU, RUS, Russian Federation, Russian
ukrainian, ukraine: Ukraine, UA, UKR, Ukrainian
chinese, china: China, CN, CHN, Chinese
japanese, japan: Japan, JP, JPN, Japanese
korean, korea, south korea: South Korea, Korea, KR, KOR, Korean
indian, india: India, IN, IND, Indian
pakistani, pakistan: Pakistan, PK, PAK
indonesian, indonesia: Indonesia, ID, IDN
thai, thailand: Thailand, TH, THA, Thai
vietnamese, vietnam: Vietnam, VN, VNM, Vietnamese
filipino, philippines: Philippines, PH, PHL
malaysian, malaysia: Malaysia, MY, MYS
singaporean, singapore: Singapore, SG, SGP
australian, australia: Australia, AU, AUS, Australian
new zealand: New Zealand, NZ, NZL
canadian, canada: Canada, CA, CAN, Canadian
mexican, mexico: Mexico, MX, MEX, Mexican
brazilian, brazil: Brazil, BR, BRA, Brazilian
argentinian, argentine, argentina: Argentina, AR, ARG
chilean, chile: Chile, CL, CHL
colombian, colombia: Colombia, CO, COL
peruvian, peru: Peru, PE, PER
venezuelan, venezuela: Venezuela, VE, VEN
cuban, cuba: Cuba, CU, CUB
egyptian, egypt: Egypt, EG, EGY
south african, south africa: South Africa, ZA, ZAF, RSA
nigerian, nigeria: Nigeria, NG, NGA
kenyan, kenya: Kenya, KE, KEN
moroccan, morocco: Morocco, MA, MAR
israeli, israel: Israel, IL, ISR
saudi, saudi arabia: Saudi Arabia, SA, SAU, KSA
emirati, united arab emirates, uae: United Arab Emirates, UAE, AE, ARE
european, europe: Europe, EU, EMEA, European
asian, asia: Asia, APAC, Asian
african, africa: Africa, African
north american, north america: North America, NA, NAM
south american, south america: South America, SA, LATAM
latin american, latin america: Latin America, LATAM
alabama: AL
alaska: AK
arizona: AZ
arkansas: AR
california: CA
colorado: CO
connecticut: CT
delaware: DE
florida: FL
georgia: GA
hawaii: HI
idaho: ID
illinois: IL
indiana: IN
iowa: IA
kansas: KS
kentucky: KY
louisiana: LA
maine: ME
maryland: MD
massachusetts: MA
michigan: MI
minnesota: MN
mississippi: MS
missouri: MO
montana: MT
nebraska: NE
nevada: NV
new hampshire: NH
new jersey: NJ
new mexico: NM
new york: NY
north carolina: NC
north dakota: ND
ohio: OH
oklahoma: OK
oregon: OR
pennsylvania: PA
rhode island: RI
south carolina: SC
south dakota: SD
tennessee: TN
texas: TX
utah: UT
vermont: VT
virginia: VA
washington: WA
west virginia: WV
wisconsin: WI
wyoming: WY
los angeles, la: Los Angeles, LA
new york city, nyc: New York, New York City, NYC
dollar, dollars: USD
euro, euros: EUR
pound, pounds, sterling: GBP
yen: JPY
swiss franc, swiss francs: CHF
"""

_CODES = _codes()
