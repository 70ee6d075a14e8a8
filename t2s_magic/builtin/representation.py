"""SQL as short token sequences: what the built-in model writes, and how they become SQL again.

A sequence has no FROM and no JOIN: it names columns, tables and values by pointers (see ``tokens``), and the joins
are rebuilt from the schema. Expressions are in prefix notation and conditions are ``left operator right``, so there
are no commas. ``grammar.GRAMMAR`` is the exact grammar; below, ``Singer.name`` stands for a ColumnRef, ``Singer`` for
a TableRef, and ``'France'`` or ``5`` for a ValueRef (a candidate: a number or text of the question, or a cell).
A sequence starts with its first select item; there is no ``select`` keyword.

Items and aggregates
    Singer.name Singer.age                             SELECT name, age FROM singer
    distinct Singer.country                            SELECT DISTINCT country FROM singer
    Singer                                             SELECT * FROM singer (a bare table: all its columns)
    count Singer                                       SELECT COUNT(*) FROM singer
    count Singer.country; count_distinct Singer.country        COUNT(country); COUNT(DISTINCT country)
    avg Singer.age min Singer.age max Singer.age       AVG(age), MIN(age), MAX(age); also sum, sum_distinct
    ``count TABLE`` is COUNT(*), and says which table has to be in FROM: one that nothing else names, if there is one.
Grouping
    Singer.country count Singer                        SELECT country, COUNT(*) FROM singer GROUP BY country
        Where an aggregate stands in items, having or order and ``group`` is left out, the plain items are the keys.
    Singer.name count Concert group Singer.id          ... GROUP BY singer.id   (keys other than the plain items)
    Singer.country having count Singer > 2             ... GROUP BY country HAVING COUNT(*) > 2
    ``encode`` gives the fewest keys: primary keys without the columns that they determine, of two joined columns the
    primary key, and no ``group`` at all where the plain items are the same groups.
Conditions (``and`` binds tighter than ``or``; parentheses group; ``not ( ... )``)
    where Singer.age > 20 and Singer.country = 'France'    operators = != > < >= <=; the right side is a value, an
        expression, a moment or a subquery in parentheses
    between, not_between A B; in, not_in V V V; in, not_in ( subquery ); is_null; not_null
    contains, starts, ends, not_contains, not_starts, not_ends V     LIKE '%V%', 'V%', '%V' (V without per cent signs)
    like, not_like V                                   LIKE V as it is
    where Singer.age is_max (is_min)                   age = (SELECT MAX(age) FROM singer): all that tie
    where Singer.age above_avg (below_avg)             age > (SELECT AVG(age) FROM singer)
    where Item.is_sold = true                          a boolean column, also where the engine keeps it as 1 and 0
    exists ( Orders where ... ), not_exists ( ... )    tied to the outer query through the join of their tables
Order and limit
    desc Singer.age asc Singer.name                    ORDER BY age DESC, name
    desc Singer.age limit_1; ... limit 3; ... limit_1 offset 1
    Item.category Item.name sum Sale.amount per Item.category desc sum Sale.amount limit 3
        the first 3 in each category (ROW_NUMBER() OVER (PARTITION BY ... ORDER BY ...) <= 3)
Set operations
    Singer.name union Band.name        also union_all, intersect, except. An order in the last part is of the whole,
        unless an earlier part has an order or limit of its own; its keys are items of the last part.
Nesting
    where Singer.age > ( avg Singer.age where Singer.country = 'France' )
    where Item.price > ( avg Item.price same Item.category )     correlated: the same category as the outer row
    where Orders.date = ( max Orders.date on Orders.customer_id Customer.id )     correlated by another equality
    avg ( count Orders group Orders.customer_id )      SELECT AVG(n) FROM (SELECT COUNT(*) AS n ... GROUP BY ...)
    count ( distinct A.x A.y )                         SELECT COUNT(*) FROM (SELECT DISTINCT ...)
Arithmetic (prefix)
    sum * Line.price Line.quantity                     SUM(price * quantity)
    sum * * Line.price Line.quantity - 1 Line.discount SUM(price * quantity * (1 - discount))
    / sum Order.profit sum Order.sales                 a ratio; division is never integer division
    * 100 / count A ( count B )                        a subquery may be an operand. Constants: 0 1 2 100
    round X (2 decimals), round_int X, abs X, length X, lower X, upper X, concat A B (A || ' ' || B)
Parts of the whole
    only ( Order.status = 'paid' ) sum Order.amount    SUM(CASE WHEN status = 'paid' THEN amount ELSE 0 END)
    only ( Order.status = 'paid' ) count Order         COUNT(*) FILTER (WHERE status = 'paid')
    percent_if ( Order.status = 'paid' )               100.0 * share of the rows for which the condition holds
    Item.category percent_of_total sum Item.sales      100.0 * SUM(sales) / SUM(SUM(sales)) OVER ()
    rank_desc X, rank_asc X                            RANK() OVER (ORDER BY X DESC)
    running_total sum X, previous sum X                SUM(SUM(X)) OVER (ORDER BY keys), LAG(SUM(X)) OVER (...)
    within K rank_desc X                               the same with PARTITION BY K
Dates
    year D, quarter D, month D, week D, day D, weekday D, hour D, year_month D ('1997-03'), date D
    where year Order.date = 1997                       days_between Order.shipped Order.placed
    where Order.date >= days_ago 30                    also weeks_ago, months_ago, years_ago; now is today
    where year Order.date = - year now 1               last year;  year_month D = year_month months_ago 1: last month
Joins, only where the schema alone does not give them
    keep_all Customer                                  keep customers without any match (LEFT JOIN); ``count Orders``
        is then of the matches, and conditions on other tables are about the matches
    from T T                                           tables that no other token names, which the join must pass
    via Flight.source                                  join over this foreign key column, not over another
    on A.x B.y                                         an equality that is no key
    other Employee.name                                a column of a second copy of the table (via other Flight.dest:
        this foreign key leads to the second copy)

Only forms above can be written. Not expressible: CASE with several branches, subqueries in FROM other than the ones
above, join conditions other than equality, ALL and ANY, three copies of a table, functions not named here.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from t2s_magic.builtin.decode import decode
from t2s_magic.builtin.frames import UndecodableError
from t2s_magic.builtin.grammar import KEYWORDS, State, next_allowed
from t2s_magic.builtin.joins import JoinGraph
from t2s_magic.builtin.literals import Unreachable
from t2s_magic.builtin.tokens import Candidate, Token

if TYPE_CHECKING:
    from t2s_magic.schema import Schema

__all__ = ["KEYWORDS", "JoinGraph", "State", "UndecodableError", "Unreachable", "decode", "encode", "next_allowed"]


def encode(
    sql: str,
    schema: Schema,
    candidates: Sequence[Candidate],
    *,
    dialect: str = "sqlite",
    graph: JoinGraph | None = None,
) -> list[Token]:
    """The tokens that say ``sql``, its literals as positions in ``candidates``; Unreachable where none do.

    ``graph`` is the schema's JoinGraph: build it once and pass it where many statements of one schema are encoded.
    """
    from t2s_magic.builtin import encode as encoding  # parses with sqlglot, which answering without demos never needs

    return encoding.encode(sql, schema, candidates, dialect=dialect, graph=graph)
