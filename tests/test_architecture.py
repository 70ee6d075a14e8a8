"""The map holds: imports point one way, and each library has one owner."""

import ast
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent.parent / "t2s_magic"

# Each part imports only what stands before it.
ORDER = [
    "errors",
    "files",
    "schema",
    "guard",
    "database",
    "builtin",
    "adapters",
    "lm",
    "program",
    "memory",
    "pipeline",
    "study",
    "widget",
    "frames",
    "display",
    "answer",
    "jupysql",
    "options",
    "session",
    "optimize",
    "live_study",
    "commands",
    "magic",
    "cli",
    "__main__",
]
OWNERS = {
    "IPython": {"magic", "display"},
    "sql": {"jupysql"},
    "sqlglot": {"guard", "builtin"},
    "dspy": {"adapters", "lm", "program", "study"},
    "anywidget": {"widget"},
    "duckdb": {"database", "study"},
    "psycopg": {"database", "study"},
    "sqlalchemy": {"database", "jupysql"},
    "tokenizers": {"builtin"},
}
MODULES = sorted(path for path in PACKAGE.rglob("*.py") if path != PACKAGE / "__init__.py")


def part_of(path: Path) -> str:
    return path.relative_to(PACKAGE).with_suffix("").parts[0]


def imports_of(path: Path) -> set[str]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    names = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    return names | {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_a_module_imports_only_what_stands_before_it(path: Path):
    part = part_of(path)
    ours = {name.split(".")[1] for name in imports_of(path) if name.startswith("t2s_magic.")}
    assert part in ORDER
    assert {other for other in ours if ORDER.index(other) > ORDER.index(part)} == set()


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_each_library_has_its_owners(path: Path):
    libraries = {name.split(".")[0] for name in imports_of(path)} & OWNERS.keys()
    strangers = {library for library in libraries if part_of(path) not in OWNERS[library]}
    assert strangers == set()
