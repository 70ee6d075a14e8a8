"""``python -m t2s_magic``."""

import sys

from t2s_magic.cli import main

sys.exit(main())
