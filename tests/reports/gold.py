"""Gold files: what a reporter gave when somebody last looked at it and found it right.

After a change that is meant, `UPDATE_GOLD=1 python -m pytest tests/reports` writes them anew; look
at the difference before it is committed.
"""

from __future__ import annotations

import os
from pathlib import Path

FOLDER = Path(__file__).parent / "gold"


def assert_gold(name: str, text: str) -> None:
    path = FOLDER / name
    if os.environ.get("UPDATE_GOLD"):
        path.write_text(text, encoding="utf-8")
    assert text == path.read_text(encoding="utf-8"), f"{name} differs: see tests/reports/gold.py"
