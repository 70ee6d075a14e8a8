"""Rules for texts in words: parts of them, several joined, and how they are spelled."""

from __future__ import annotations

from sqlglot import exp

from t2s_magic.guard.words_parts import Parts, Phrase, Rule, Speaker, TooComplexError, listed
from t2s_magic.guard.words_values import followed_by


def characters(parts: Parts, scope: Speaker) -> Phrase:
    operand = scope.value(parts.take("this"))
    start, length = scope.value(parts.take("start")), parts.take("length")
    if start.literal is None or not start.literal.isdigit() or start.literal == "0":
        raise TooComplexError("SUBSTR from the end or from a computed place")
    if length is None:
        return Phrase(f"part of {operand.inner} from character {start.text}", "text", is_common=True)
    count = scope.value(length)
    if start.literal == "1":
        what = "first character" if count.literal == "1" else f"first {count.inner} characters"
        return Phrase(f"{what} of {operand.inner}", "text", is_common=True)
    return Phrase(f"{count.inner} characters of {operand.inner} from character {start.text}", "text", is_common=True)


def chained(parts: Parts, scope: Speaker) -> Phrase:
    """``a || b || c``, which sqlglot nests to the left."""
    parts.take("safe")
    left, right = parts.take("this"), parts.take("expression")
    pieces = [right]
    while isinstance(left, exp.DPipe):
        scope.said(left, only_this=True)
        pieces.append(left.args["expression"])
        left = left.args["this"]
    pieces.append(left)
    texts = [scope.value(piece).inner for piece in reversed(pieces)]
    return Phrase(f"{listed(texts)} joined as one text", "text", is_single=False)


def concatenated(parts: Parts, scope: Speaker) -> Phrase:
    parts.take("safe")
    parts.take("coalesce")
    texts = [scope.value(piece).inner for piece in parts.take_all("expressions")]
    return Phrase(f"{listed(texts)} joined as one text", "text", is_single=False)


def replaced(parts: Parts, scope: Speaker) -> Phrase:
    text, old, new = (scope.value(parts.take(name)) for name in ("this", "expression", "replacement"))
    return Phrase(f"{text.inner} with {old.inner} replaced by {new.inner}", "text", is_single=False)


def trimmed(parts: Parts, scope: Speaker) -> Phrase:
    operand = scope.value(parts.take("this"))
    if parts.node.args.get("position") or parts.node.args.get("expression"):
        raise TooComplexError("TRIM of one side or of other characters")
    return operand.followed_by("without spaces around it", "text", may_be_null=operand.may_be_null)


def collated(parts: Parts, scope: Speaker) -> Phrase:
    operand, collation = scope.value(parts.take("this")), parts.take("expression")
    scope.said(collation)
    if collation.name.casefold() != "nocase":
        raise TooComplexError("A collation")
    return operand.followed_by("in any case", operand.kind)


TEXT_RULES: dict[type[exp.Expr], Rule] = {
    exp.Lower: followed_by("in lower case", "text"),
    exp.Upper: followed_by("in upper case", "text"),
    exp.Trim: trimmed,
    exp.Substring: characters,
    exp.DPipe: chained,
    exp.Concat: concatenated,
    exp.Replace: replaced,
    exp.Collate: collated,
}
