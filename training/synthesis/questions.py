"""Questions about one database, drawn from all intents by weight."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from training.synthesis import phrases, styles
from training.synthesis.asking import Asker
from training.synthesis.hints import hinted
from training.synthesis.intents import extremes, groups, records, reports, rows, sets, shares, talk, windows
from training.synthesis.intents.parts import Draft
from training.synthesis.worlds import World

INTENTS: tuple[tuple[Callable[[Asker], Draft], int], ...] = (
    (rows.list_rows, 9),
    (rows.all_details, 2),
    (rows.count_rows, 9),
    (rows.measures, 9),
    (groups.grouped, 26),
    (groups.grouped_twice, 3),
    (groups.having, 5),
    (extremes.superlative_of_rows, 7),
    (extremes.superlative_of_groups, 9),
    (extremes.ties, 1),
    (extremes.above_average, 3),
    (extremes.above_average_of_group, 2),
    (sets.without, 6),
    (sets.with_some, 5),
    (sets.including_none, 3),
    (sets.both, 6),
    (shares.share_of_rows, 5),
    (shares.share_of_total, 4),
    (shares.average_per, 5),
    (shares.ratio, 6),
    (extremes.difference, 2),
    (shares.compare_two, 4),
    (windows.top_of_each_group, 4),
    (windows.ranked, 2),
    (windows.over_time, 3),
    (groups.first_or_last, 4),
    (groups.latest_per_group, 2),
    (groups.duration, 10),
    (rows.distinct_values, 3),
    (groups.distinct_per_group, 3),
    (rows.lookup, 4),
    (groups.most_common, 3),
    (rows.rows_with_parent, 5),
    (rows.either, 2),
    (extremes.more_than_another, 2),
    (extremes.than_named, 5),
    (talk.takings, 7),
    (talk.spenders, 5),
    (talk.popular, 4),
    (talk.busiest, 2),
    (talk.how_many_units, 2),
    (talk.deeds, 3),
    (rows.by_number, 4),
    (rows.superiors, 2),
    (rows.two_columns, 9),
    (records.attribute_of_extreme, 6),
    (records.doer_of_extreme, 4),
    (records.among, 6),
    (records.happened, 5),
    (records.missing, 10),
    (records.ages, 2),
    (records.names_of_rows, 4),
    (reports.earned_by, 16),
    (reports.spread, 3),
    (reports.growth, 3),
    (reports.highest_average, 5),
    (reports.versus, 6),
    (reports.units_of, 5),
    (reports.first_of_each_parent, 8),
    (reports.kinds_in_ratio, 3),
    (reports.periods_of_a_year, 5),
    (reports.busy_ones, 3),
)


@dataclass(frozen=True)
class Asked:
    """A question as typed, its SQL for SQLite, and the name of its intent."""

    question: str
    sql: str
    intent: str


def questions(world: World, chance: random.Random) -> Iterator[Asked]:
    """Questions without end, about all that the database holds."""
    ask = Asker(world, chance)
    intents = [intent for intent, weight in INTENTS for _ in range(weight)]
    while True:
        ask.begin()
        intent = chance.choice(intents)
        draft = intent(ask)
        if draft is None:
            continue
        text, sql = draft
        is_keywords = text.startswith("~")
        if is_keywords:
            typed = phrases.as_keywords(text[1:], chance)
        else:
            typed = phrases.asked(styles.put_differently(re.sub(r"\s+", " ", text).strip(), chance), chance)
        yield Asked(hinted(ask, typed, sql), sql, intent.__name__)
