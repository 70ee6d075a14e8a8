"""Programs as files: JSON with a version, written whole or not at all, and never executed."""

from __future__ import annotations

import copy
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from t2s_magic.errors import ProgramError
from t2s_magic.files import write_whole
from t2s_magic.program.module import TextToSql
from t2s_magic.program.signature import SIGNATURE
from t2s_magic.program.work import Check, Explain

FORMAT = "t2s_magic program"
VERSION = 1
MOST_BYTES = 50_000_000
SHIPPED = Path(__file__).parent.parent / "programs"


@dataclass(frozen=True)
class SavedProgram:
    """What a file holds: ``state`` is dspy's own state of the predictor, ``metadata`` says where the program is from.

    ``metadata["label"]`` is how the provenance line names it; ``metadata["card"]`` tells how it was made.
    """

    state: Mapping[str, Any]
    metadata: Mapping[str, Any] = field(default_factory=dict)


def save_program(program: TextToSql, path: str | Path, metadata: Mapping[str, Any] | None = None) -> None:
    """Write demos and instructions of ``program`` to ``path``; its LM, keys and addresses are not part of it.

    The file is whole or unchanged: it is written beside and then moved. Raises ProgramError.
    """
    target = _checked_path(path)
    without_lm = copy.copy(program.predict)
    without_lm.lm = None
    state = without_lm.dump_state()
    content = {
        "format": FORMAT,
        "version": VERSION,
        "metadata": {"label": program.label, **(metadata or {})},
        "predict": {
            "fields": list(program.predict.signature.fields),
            "signature": state["signature"],
            "demos": state["demos"],
        },
    }
    try:
        text = json.dumps(content, ensure_ascii=False, indent=1, sort_keys=False) + "\n"
    except (TypeError, ValueError) as error:
        raise ProgramError(
            f"The program cannot be saved: a demo holds something that JSON has no form for: {error}."
        ) from error
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        write_whole(target, text)
    except OSError as error:
        raise ProgramError(f"The program was not saved to {target}: {error.strerror}.") from error


def load_program(
    path: str | Path, check: Check | None = None, explain: Explain | None = None, *, max_lm_calls: int = 3
) -> TextToSql:
    """The program saved at ``path``, with these tools. Raises ProgramError that names what is wrong with the file."""
    saved = read_program(path)
    label = str(saved.metadata.get("label") or Path(path).stem)
    program = TextToSql(check, explain, max_lm_calls=max_lm_calls, label=label)
    program.predict.load_state({"traces": [], "train": [], "lm": None, **saved.state})
    return program


def read_program(path: str | Path) -> SavedProgram:
    """The content of a saved program, its form checked. Raises ProgramError."""
    source = _checked_path(path)
    if not source.is_file():
        raise ProgramError(f"No program at {source}. Name a .json file that was saved by %t2s optimize.")
    if source.stat().st_size > MOST_BYTES:
        raise ProgramError(f"{source} is no program: it is larger than {MOST_BYTES // 1_000_000} MB.")
    try:
        content = json.loads(source.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise ProgramError(f"{source} cannot be read: {error}.") from error
    except (ValueError, RecursionError) as error:
        raise ProgramError(f"{source} is not whole JSON ({error}). Save the program again.") from error
    return _checked_content(content, source)


def shipped_program(name: str) -> Path:
    """Where the compiled program that ships for a backend lies: "builtin", "starling" or "default"."""
    return SHIPPED / f"{name}.json"


def _checked_path(path: str | Path) -> Path:
    target = Path(path).expanduser()
    if target.suffix != ".json":
        raise ProgramError(
            f"{target} is not a .json file. Programs are saved as JSON only: other formats can run code when loaded."
        )
    if target.is_symlink():
        raise ProgramError(f"{target} is a link to another place. Name the file itself.")
    return target


def _checked_content(content: Any, source: Path) -> SavedProgram:
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        raise ProgramError(f"{source} is JSON, but not a program saved by t2s_magic.")
    version = content.get("version")
    if not isinstance(version, int) or version > VERSION:
        raise ProgramError(f"{source} has version {version!r}; this t2s_magic reads up to {VERSION}. Update t2s_magic.")
    predict: Any = content.get("predict")
    if not _is_ours(predict):
        fields = ", ".join(SIGNATURE.fields)
        raise ProgramError(f"{source} holds another program than ours. Its fields have to be {fields}.")
    metadata = content.get("metadata")
    state = {"signature": predict["signature"], "demos": predict["demos"]}
    return SavedProgram(state, metadata if isinstance(metadata, dict) else {})


def _is_ours(predict: Any) -> bool:
    return (
        isinstance(predict, dict)
        and predict.get("fields") == list(SIGNATURE.fields)
        and _is_signature(predict.get("signature"))
        and _are_demos(predict.get("demos"))
    )


def _is_signature(signature: Any) -> bool:
    """Instructions, and for each field its prefix and description, both of which optimizers may write."""
    if not isinstance(signature, dict) or not isinstance(signature.get("instructions"), str):
        return False
    texts = signature.get("fields")
    return (
        isinstance(texts, list)
        and len(texts) == len(SIGNATURE.fields)
        and all(isinstance(each, dict) and each.keys() == {"prefix", "description"} for each in texts)
        and all(isinstance(text, str) for each in texts for text in each.values())
    )


def _are_demos(demos: Any) -> bool:
    return isinstance(demos, list) and all(
        isinstance(demo, dict) and isinstance(demo.get("question"), str) and isinstance(demo.get("sql"), str)
        for demo in demos
    )
