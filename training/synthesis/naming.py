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
        "inspection:insp project:proj task:tsk hours:hrs quarter:qtr group:grp population:pop temperature:temp"
    ).split()
)
RESERVED = frozenset(
    "order group table index select from where user check transaction case values key match commit release references "
    "default primary foreign to in on is as by at set all any and or not null join union limit offset end begin "
    "grant exists distinct having between like plan view column date time year month day action"
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

    @staticmethod
    def draw(chance: random.Random) -> Naming:
        case = chance.choice(("snake",) * 6 + ("camel", "pascal", "pascal", "upper", "flat", "spaces"))
        return Naming(
            case=case,
            shortening=chance.choice(("none",) * 6 + ("usual", "usual", "vowels")),
            is_plural=chance.random() < 0.5,
            table_prefix=chance.choice(("",) * 9 + ("tbl", "t", "dim", "app", "erp")),
            id_style=chance.choice(
                ("id", "id", "thing id", "thing id", "thing id", "thing key", "id thing", "thing no")
            ),
            named_columns=chance.random() < 0.4,
            money_suffix=chance.choice(("",) * 6 + ("usd", "eur")),
            table_case=chance.choice((case, case, case, "pascal" if case == "camel" else case)),
        )

    def table(self, words: str, is_fact: bool) -> str:
        name = _plural(words) if self.is_plural else words
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
        if word in _SHORT or singular in _SHORT:
            return _SHORT.get(word) or _SHORT[singular]
        if self.shortening == "vowels" and len(word) > 5:
            return word[0] + re.sub("[aeiou]", "", word[1:])
        return word

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
