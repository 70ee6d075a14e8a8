"""Which LM answers, and how it is reached."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from t2s_magic.adapters import BuiltinAdapter, RowsOf, SqlAdapter
from t2s_magic.adapters.quick_dspy import dspy
from t2s_magic.errors import UsageError
from t2s_magic.lm.builtin_lm import BuiltinLM, Reader
from t2s_magic.lm.endpoint import Constrained, Endpoint, OnProgress, Patience
from t2s_magic.lm.failures import told
from t2s_magic.lm.replies import host_of
from t2s_magic.lm.streams import OnText
from t2s_magic.lm.text_lm import EndpointEngine

__all__ = ["Backend", "Constrained", "Endpoint", "Patience", "make_backend", "told"]

BUILTIN = "builtin"
STARLING = "starling"
STARLING_MODEL = "Nexusflow/Starling-LM-7B-beta"
# <|end_of_turn|>, which Starling's tokenizer does not name as its end of text.
STARLING_STOP_TOKENS = [32000]
# Of a window of 8,192 tokens: what instructions, 20 demos, question, repairs and answer leave, at 3 characters a token.
STARLING_SCHEMA_CHARACTERS = 12_000
MAX_TOKENS = 800
# OpenAI's reasoning models take no other temperature and no smaller bound; dspy refuses to make them otherwise.
REASONING_SETTINGS = {"temperature": 1.0, "max_tokens": 16_000}


@dataclass(frozen=True)
class Backend:
    """An LM with the adapter that speaks to it.

    ``is_local`` says that no data leaves this process: true of the built-in model alone, since a server on this machine
    may pass on what it is sent. ``host`` is who is sent the prompt, for people ("" when nobody is). ``program`` is the
    name of the compiled program that ships for it.
    """

    name: str
    lm: Any
    adapter: Any
    is_local: bool
    host: str
    program: str

    @contextmanager
    def context(self, rows_of: RowsOf | None = None) -> Iterator[None]:
        """Within: dspy uses this LM and adapter, in this thread alone, and keeps no history of prompts.

        ``rows_of`` gives the rows of a statement: the LM that leaves this process nothing may look at them, no other.
        """
        adapter = BuiltinAdapter(rows_of) if self.is_local and rows_of else self.adapter
        with dspy.context(lm=self.lm, adapter=adapter, disable_history=True):
            yield


def make_backend(
    name: str | None = None,
    *,
    environ: Mapping[str, str] = os.environ,
    patience: Patience | None = None,
    on_progress: OnProgress | None = None,
    on_text: OnText | None = None,
    on_notice: OnProgress | None = None,
    constrained: Constrained = "auto",
    load_model: Callable[[], Reader] | None = None,
) -> Backend:
    """The backend called ``name``: ``builtin``, ``starling``, or any model string of ``dspy.LM``.

    Without a name: ``T2S_LM``, else ``starling`` if ``T2S_API_BASE`` is set, else ``builtin``. At ``T2S_API_BASE``,
    with ``T2S_API_KEY``, which goes nowhere else, are asked ``starling``, ``hosted_vllm/NAME`` (dspy's prefix for any
    OpenAI-compatible server), and ``openai/NAME`` where no ``OPENAI_API_KEY`` says that OpenAI itself is meant. Every
    other name is reached as its provider's settings say. No connection is made here. Raises UsageError for settings
    that cannot be.

    ``on_progress`` is told what is being waited for, ``on_text`` the answer so far as a server at ``T2S_API_BASE``
    writes it, ``on_notice`` what it turns out to do without. ``constrained`` is that of ``Endpoint``.
    """
    # Else dspy, and litellm at its import, fetch a list of prices from GitHub, which nobody here asked for.
    os.environ.setdefault("LITELLM_LOCAL_MODEL_COST_MAP", "true")
    base = environ.get("T2S_API_BASE", "").strip()
    chosen = (name or environ.get("T2S_LM", "")).strip() or (STARLING if base else BUILTIN)
    if chosen == BUILTIN:
        return Backend(BUILTIN, BuiltinLM(load_model or _load_model), BuiltinAdapter(), True, "", BUILTIN)
    if chosen == STARLING and not base:
        raise UsageError("starling needs a server. Set T2S_API_BASE to its address, such as http://127.0.0.1:8000/v1.")
    if base and (chosen == STARLING or chosen.startswith(_prefixes_of_endpoint(environ))):
        endpoint = Endpoint(
            base,
            environ.get("T2S_API_KEY", "").strip(),
            patience=patience,
            on_progress=on_progress,
            on_notice=on_notice,
            constrained=constrained,
        )
        return _starling(endpoint, on_text) if chosen == STARLING else _at_endpoint(chosen, endpoint, on_text)
    if constrained == "on" and on_notice is not None:
        on_notice(f"{chosen} is asked without a grammar: only a server at T2S_API_BASE can be held to one.")
    return _of_provider(chosen, patience or Patience())


def _prefixes_of_endpoint(environ: Mapping[str, str]) -> tuple[str, ...]:
    return ("hosted_vllm/",) if environ.get("OPENAI_API_KEY") else ("hosted_vllm/", "openai/")


def _load_model() -> Reader:
    from t2s_magic.builtin.model import load_model

    return load_model()


def _starling(endpoint: Endpoint, on_text: OnText | None) -> Backend:
    extra = {"stop_token_ids": STARLING_STOP_TOKENS}
    engine = EndpointEngine(endpoint, STARLING_MODEL, extra, on_text=on_text)
    adapter = SqlAdapter(STARLING_SCHEMA_CHARACTERS)
    return Backend(STARLING, _lm(STARLING, engine), adapter, False, endpoint.host, STARLING)


def _at_endpoint(name: str, endpoint: Endpoint, on_text: OnText | None) -> Backend:
    engine = EndpointEngine(endpoint, name.partition("/")[2], on_text=on_text)
    return Backend(name, _lm(name, engine), SqlAdapter(), False, endpoint.host, "default")


def _lm(name: str, engine: EndpointEngine) -> Any:
    # Retries are the endpoint's, which reads the server's Retry-After; dspy's cache is a folder of pickles.
    return dspy.LM(name, engine=engine, cache=False, num_retries=0, temperature=0.0, max_tokens=MAX_TOKENS)


def _of_provider(name: str, patience: Patience) -> Backend:
    if "/" not in name:
        raise UsageError(
            f"No LM is called {name!r}. Use builtin, starling, or provider/model such as openai/gpt-4o-mini."
        )
    settings = {"cache": False, "num_retries": patience.server_error_retries, "timeout": patience.total}
    try:
        lm = dspy.LM(name, temperature=0.0, max_tokens=MAX_TOKENS, **settings)
    except dspy.utils.exceptions.LMConfigurationError:
        lm = dspy.LM(name, **REASONING_SETTINGS, **settings)
    except ValueError as error:
        raise UsageError(f"{name!r} names no LM: {error}") from error
    return Backend(name, lm, SqlAdapter(), False, _provider_host(name), "default")


def _provider_host(name: str) -> str:
    provider = name.partition("/")[0]
    base = os.environ.get(f"{provider.upper()}_API_BASE") or os.environ.get(f"{provider.upper()}_BASE_URL")
    return host_of(base) if base else provider
