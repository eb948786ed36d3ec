"""The files of the migrations begin with the number that Alembic knows them by."""

from pathlib import Path

from alembic.config import Config
from alembic.script import ScriptDirectory

from gateway.db.form import MIGRATIONS, newest_form


def test_the_newest_form_is_alembics_head() -> None:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    scripts = ScriptDirectory.from_config(config)
    assert scripts.get_heads() == [newest_form()]
    for script in scripts.walk_revisions():
        assert Path(script.path).name.startswith(f"v{script.revision}_")
