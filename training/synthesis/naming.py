"""How one database spells its names: ``order_items``, ``OrderItem``, ``tbl_ord_itm``, ``fact_order_item``."""

from __future__ import annotations

import random
import re
from dataclasses import dataclass

_SHORT = dict(
    pair.split(":")
    for pair in (
        "customer:cust order:ord amount:amt quantity:qty date:dt number:no name:nm description:descr "
        "product:prod category:cat department:dept employee:emp account:acct transaction:txn payment:pmt "
        "invoice:inv address:addr status:sts price:prc total:tot value:val code:cd type:typ country:ctry "
        "discount:disc manager:mgr supplier:supp vendor:vend warehouse:wh shipment:shpmt delivery:dlv "
        "balance:bal birth:brth percent:pct year:yr month:mth revenue:rev budget:bdgt duration:dur minutes:min "
        "seconds:sec location:loc region:rgn item:itm unit:unit reference:ref message:msg service:svc "
        "session:sess campaign:cmpgn subscription:subs salary:sal position:pos student:stud course:crs "
        "teacher:tchr patient:pat doctor:doc appointment:appt property:prop weight:wt height:ht received:rcvd "
        "created:crtd opened:opnd closed:clsd level:lvl rating:rtg capacity:cap charge:chg cost:cst currency:ccy "
        "method:mthd segment:seg industry:ind material:mat maximum:max minimum:min distance:dist schedule:sched "
        "scheduled:schd purchase:purch request:req member:mbr membership:mbrship production:prodn "
        "inspection:insp project:proj task:tsk hours:hrs quarter:qtr group:grp population:pop temperature:temp "
        "vehicle:veh driver:drv hourly:hrly monthly:mthly annual:ann average:avg available:avail insurance:ins "
        "policy:pol claim:clm premium:prem contract:contr agreement:agrmt license:lic registration:reg model:mdl "
        "manufacturer:mfr equipment:equip machine:mach maintenance:maint technician:tech branch:brnch store:str "
        "company:co client:clnt contact:ctct title:ttl first:fst last:lst gender:gndr email:eml phone:ph "
        "fee:fee tax:tx gross:grs net:nt balance:bal credit:crdt limit:lmt interest:intr currency:ccy "
        "start:strt finish:fin end:end due:due paid:pd signed:sgnd joined:jnd hired:hrd resolved:rslvd "
        "priority:prio severity:sev score:scr result:rslt percentage:pct share:shr ratio:rto points:pts "
        "passenger:pax flight:flt airport:arpt route:rte station:stn departure:dep arrival:arr booking:bkg "
        "guest:gst room:rm night:ngt reservation:resv event:evt ticket:tkt seat:st venue:ven stock:stk "
        "inventory:inv bonus:bns overtime:ot absence:abs training:trng grade:grd campaign:camp channel:chnl "
        "language:lang version:ver active:actv flag:flg indicator:ind remark:rmk street:str"
    ).split()
)
_GERMAN = dict(
    pair.split(":")
    for pair in (
        "customer:kunde client:kunde order:auftrag invoice:rechnung item:position product:artikel article:artikel "
        "employee:mitarbeiter name:bezeichnung first:vor last:nach date:datum amount:betrag quantity:menge price:preis "
        "total:summe city:ort country:land region:gebiet status:status type:art category:gruppe group:gruppe "
        "department:abteilung supplier:lieferant warehouse:lager stock:bestand delivery:lieferung payment:zahlung "
        "discount:rabatt account:konto contract:vertrag project:projekt hours:stunden number:nr key:nr no:nr "
        "salary:gehalt birth:geburt hire:eintritt start:beginn end:ende due:faellig paid:bezahlt created:erstellt "
        "cost:kosten revenue:umsatz weight:gewicht machine:maschine branch:filiale store:filiale vehicle:fahrzeug "
        "driver:fahrer trip:fahrt email:email phone:telefon street:strasse year:jahr month:monat duration:dauer "
        "title:titel rating:note member:mitglied course:kurs student:student teacher:lehrer room:raum booking:buchung "
        "guest:gast ticket:vorgang priority:prio patient:patient doctor:arzt policy:police claim:schaden "
        "premium:praemie"
    ).split()
)
_SUFFIXES = {False: ("master", "mst", "ref", "info", "data", "list"), True: ("log", "txn", "detail", "hist", "data")}
_SHORTENINGS = ("none",) * 10 + ("usual",) * 4 + ("mixed",) * 6 + ("vowels", "vowels", "cut", "german")
RESERVED = frozenset(
    "order group table index select from where user check transaction case values key match commit release references "
    "default primary foreign to in on is as by at set all any and or not null join union limit offset end begin "
    "grant exists distinct having between like plan view column date time year month day action desc asc then else row "
    "rows range over filter with returning cross inner outer left right natural using if pragma database add alter drop"
    .split()
)  # fmt: skip


@dataclass(frozen=True)
class Naming:
    """The habits of whoever designed one database."""

    case: str
    shortening: str
    is_plural: bool
    table_prefix: str
    id_style: str
    named_columns: bool
    money_suffix: str
    table_case: str
    has_suffixes: bool
    habits: int
    """Chooses between ways to shorten a word, and between words for a column."""

    @staticmethod
    def draw(chance: random.Random) -> Naming:
        case = chance.choice(("snake",) * 6 + ("camel", "pascal", "pascal", "upper", "flat", "spaces"))
        return Naming(
            case=case,
            shortening=chance.choice(_SHORTENINGS),
            is_plural=chance.random() < 0.5,
            table_prefix=chance.choice(("",) * 9 + ("tbl", "t", "dim", "app", "erp")),
            id_style=chance.choice(
                ("id", "id", "thing id", "thing id", "thing id", "thing key", "id thing", "thing no")
            ),
            named_columns=chance.random() < 0.4,
            money_suffix=chance.choice(("",) * 6 + ("usd", "eur")),
            table_case=chance.choice((case, case, case, "pascal" if case == "camel" else case)),
            has_suffixes=chance.random() < 0.12,
            habits=chance.randrange(1_000_000),
        )

    def table(self, words: str, is_fact: bool) -> str:
        name = _plural(words) if self.is_plural and not self.has_suffixes else words
        if self.has_suffixes:
            endings = _SUFFIXES[is_fact]
            name = f"{name} {endings[len(words) % len(endings)]}"
        prefix = ("fact" if is_fact else "dim") if self.table_prefix == "dim" else self.table_prefix
        return self._spelled([*([prefix] if prefix else []), *self._shortened(name)], self.table_case)

    def column(self, words: str) -> str:
        return self._spelled(self._shortened(words), self.case)

    def money(self, words: str) -> str:
        return self._spelled([*self._shortened(words), *([self.money_suffix] if self.money_suffix else [])], self.case)

    def key(self, thing: str) -> str:
        """The primary key of ``thing``."""
        return self.column("id") if self.id_style == "id" else self.reference(thing)

    def reference(self, role: str) -> str:
        return self.column(f"id {role}" if self.id_style == "id thing" else f"{role} {self._id_word}")

    @property
    def _id_word(self) -> str:
        return self.id_style.rpartition(" ")[2] if self.id_style.startswith("thing") else "id"

    def _shortened(self, words: str) -> list[str]:
        parts = re.findall(r"[A-Za-z0-9]+", words)
        if self.shortening == "none":
            return [part.lower() for part in parts]
        return [self._short(part.lower()) for part in parts]

    def _short(self, word: str) -> str:
        singular = word.removesuffix("s")
        if self.shortening == "german":
            return _GERMAN.get(word) or _GERMAN.get(singular) or word
        if self.shortening == "mixed":
            return self._shortened_somehow(word)
        if self.shortening == "cut":
            return word[: 3 + len(word) % 2] if len(word) > 5 else word
        if word in _SHORT or singular in _SHORT:
            return _SHORT.get(word) or _SHORT[singular]
        if self.shortening == "vowels" and len(word) > 5:
            return word[0] + re.sub("[aeiou]", "", word[1:])
        return word

    def _shortened_somehow(self, word: str) -> str:
        """The same word always in the same way within one database, in another way in the next."""
        chance = random.Random(f"{self.habits} {word}")
        if len(word) < 5 or chance.random() < 0.2:
            return _SHORT.get(word, word)
        skeleton = word[0] + re.sub("[aeiou]", "", word[1:])
        ways = (word[: chance.choice((3, 4, 4, 5, 6))], skeleton[: chance.choice((3, 4, 5, 8))], _SHORT.get(word, word))
        return chance.choice(ways)

    def described(self, words: str, kind: str) -> str:
        """The words of a column, with the word for its kind where this database has that habit."""
        if words == "name" and kind == "name" and self.habits % 9 == 0:
            return "description"
        if kind == "category" and self.habits % 7 == 0:
            return f"{words} code"
        return words

    @staticmethod
    def _spelled(parts: list[str], case: str) -> str:
        if case == "camel":
            return parts[0] + "".join(part.capitalize() for part in parts[1:])
        if case == "pascal":
            return "".join(part.upper() if part == "id" and len(parts) > 1 else part.capitalize() for part in parts)
        if case == "upper":
            return "_".join(parts).upper()
        if case == "spaces":
            return " ".join(part.capitalize() for part in parts)
        return ("" if case == "flat" else "_").join(parts)


def _plural(words: str) -> str:
    if words.endswith("y") and words[-2] not in "aeiou":
        return words[:-1] + "ies"
    return words + ("es" if words.endswith(("s", "x", "ch", "sh")) else "s")


def quoted(name: str) -> str:
    """The name as SQL writes it: quoted only where it must be."""
    is_plain = re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name) and name.lower() not in RESERVED
    return name if is_plain else f'"{name}"'
