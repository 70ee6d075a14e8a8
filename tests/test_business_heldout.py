"""The business questions by hand, over the databases that are built for them."""

import json
import sqlite3
from pathlib import Path

from training import business_heldout


def test_every_business_question_has_a_statement_that_runs_and_finds_something(tmp_path: Path) -> None:
    business_heldout.build(tmp_path)
    lines = [
        json.loads(line) for name in business_heldout.QUESTIONS for line in (tmp_path / name).read_text().splitlines()
    ]
    assert len(lines) == 152
    for line in lines:
        connection = sqlite3.connect(tmp_path / line["db_id"] / f"{line['db_id']}.sqlite")
        assert connection.execute(line["sql"]).fetchone() is not None, line
        connection.close()
