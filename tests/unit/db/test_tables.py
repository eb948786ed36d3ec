"""The files of the migrations begin with the number that Alembic knows them by."""

import subprocess
import sys
from pathlib import Path

from alembic.config import Config
from alembic.script import ScriptDirectory

from gateway.db.tables import MIGRATIONS, newest_form

ROOT = Path(__file__).parents[3]


def test_the_newest_form_is_alembics_head() -> None:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    scripts = ScriptDirectory.from_config(config)
    assert scripts.get_heads() == [newest_form()]
    for script in scripts.walk_revisions():
        assert Path(script.path).name.startswith(f"v{script.revision}_")


def test_alembic_is_not_imported_before_there_is_something_to_migrate() -> None:
    script = "import sys, gateway.run.up; sys.exit('alembic' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", script], cwd=ROOT, check=False).returncode == 0
