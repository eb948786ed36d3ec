"""That tables are brought up, and newer ones refused, is shown with real databases: tests/contract/test_db.py."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[3]


def test_alembic_is_not_imported_before_there_is_something_to_migrate() -> None:
    script = "import sys, gateway.run.up; sys.exit('alembic' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", script], cwd=ROOT, check=False).returncode == 0
