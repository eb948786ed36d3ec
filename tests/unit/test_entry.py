"""``python -m gateway`` in a Python that is too old."""

import ast
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
ENTRY = ROOT / "gateway" / "__main__.py"


def test_an_old_python_can_read_the_entry() -> None:
    ast.parse(ENTRY.read_text(), feature_version=(3, 4))


def test_an_old_python_is_told_what_is_needed() -> None:
    script = "import runpy, sys; sys.version_info = (3, 9, 2); runpy.run_module('gateway', run_name='__main__')"
    ran = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=False)
    assert ran.returncode == 1
    assert ran.stderr == "openwb-gateway: Python 3.11 or later is needed, this is 3.9\n"
