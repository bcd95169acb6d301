"""Where the project's own files are, in a checkout and after an installation alike."""

from __future__ import annotations

from pathlib import Path

import clipbench

#: The package's folder: conf/, the reference clip and the entry points are in it.
PACKAGE = Path(clipbench.__file__).resolve().parent
CONF = PACKAGE / "conf"
#: What a process needs on its path to import the package.
IMPORT_PATH = PACKAGE.parent
