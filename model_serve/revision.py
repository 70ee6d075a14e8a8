"""The newest commit of a model's repository on the Hugging Face Hub, to pin a deployment to."""

from __future__ import annotations

import json
import re
from urllib.error import URLError
from urllib.request import urlopen

from model_serve.errors import ServeError

HUB = "https://huggingface.co"
TIMEOUT_SECONDS = 20


def newest_revision(model: str, hub: str = HUB) -> str:
    """The 40 hex digits of the commit at the head of ``model``'s main branch, as the Hub tells it now."""
    url = f"{hub}/api/models/{model}/revision/main"
    try:
        with urlopen(url, timeout=TIMEOUT_SECONDS) as response:
            revision = str(json.load(response)["sha"])
    except (URLError, OSError, ValueError, KeyError, TypeError) as error:
        raise ServeError(
            f"{url} did not tell a revision ({error}). The commit stands also on {hub}/{model}/commits/main"
        ) from error
    if not re.fullmatch(r"[0-9a-f]{40}", revision):
        raise ServeError(f"{url} told {revision[:60]!r}, which is no commit.")
    return revision
