import pytest

from t2s_magic.guard.ordering import is_ordered


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("SELECT a FROM t ORDER BY a", True),
        ("SELECT a FROM t UNION SELECT a FROM u ORDER BY a", True),
        ("SELECT a FROM (SELECT a FROM t ORDER BY a LIMIT 3)", False),
        ("SELECT rank() OVER (ORDER BY a) FROM t", False),
        ("SELECT 'ORDER BY a' FROM t -- ORDER BY a", False),
    ],
)
def test_only_an_order_at_top_level_counts(sql: str, expected: bool):
    assert is_ordered(sql, "sqlite") is expected
