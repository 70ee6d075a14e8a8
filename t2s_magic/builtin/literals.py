"""Which candidate stands for a literal of a statement."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from t2s_magic.builtin import tree
from t2s_magic.builtin.tokens import Candidate

_SURE_KINDS = {"number": 0, "text": 0, "date": 0, "cell": 1, "constant": 3}
_CONSTANT_RANK = 2


class Unreachable(ValueError):  # noqa: N818 - an outcome that is counted, not a fault
    """A statement that no token sequence says; ``reason`` is short and countable, ``detail`` what it was about."""

    def __init__(self, reason: str, detail: str = "") -> None:
        super().__init__(f"{reason}: {detail}" if detail else reason)
        self.reason = reason
        self.detail = detail


def as_number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


class Literals:
    """Candidates by their text, numbers by their value."""

    def __init__(self, candidates: Sequence[Candidate]) -> None:
        self._candidates = candidates
        self._exact: dict[object, list[int]] = defaultdict(list)
        self._folded: dict[str, list[int]] = defaultdict(list)
        for position, candidate in enumerate(candidates):
            self._exact[candidate.text].append(position)
            number = as_number(candidate.text)
            if number is not None and number == number:
                self._exact[number].append(position)
            self._folded[candidate.text.casefold()].append(position)

    def find(
        self, text: str, beside: tree.Column | None = None, *, is_case_sensitive: bool = True
    ) -> tree.Literal | tree.Constant | None:
        """The candidate for ``text`` compared with the column ``beside``, or else a constant of the grammar."""
        number = as_number(text)
        found = dict.fromkeys(
            (*self._exact.get(text, ()), *(self._exact.get(number, ()) if number is not None else ()))
        )
        if not found and not is_case_sensitive:
            found = dict.fromkeys(self._folded.get(text.casefold(), ()))
        best = min(found, key=lambda position: self._rank(position, beside), default=None)
        constant = self._constant(text)
        if best is None or (constant is not None and self._rank(best, beside)[1] > _CONSTANT_RANK):
            return constant
        return tree.Literal(best)

    def _rank(self, position: int, beside: tree.Column | None) -> tuple[bool, int, bool, int]:
        candidate = self._candidates[position]
        is_cell_of_it = beside is not None and (candidate.table, candidate.column) == (beside.table, beside.column)
        return (not is_cell_of_it, _SURE_KINDS.get(candidate.kind, 3), candidate.start < 0, position)

    @staticmethod
    def _constant(text: str) -> tree.Constant | None:
        number = as_number(text)
        if number is not None and number.is_integer() and str(int(number)) in tree.CONSTANTS:
            return tree.Constant(str(int(number)))
        return None
