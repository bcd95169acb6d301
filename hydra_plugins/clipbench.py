"""What clipbench adds to Hydra, which finds it in a folder of this name."""

from __future__ import annotations

from hydra.core.config_search_path import ConfigSearchPath
from hydra.plugins.search_path_plugin import SearchPathPlugin

from clipbench.bench.planning import user_config
from clipbench.bench.sweeping import hydra_sweeper


class InterleavedSweeper(hydra_sweeper.InterleavedSweeper):
    """`hydra/sweeper=interleaved`, the default: what `python run.py -m` does."""


class UserConf(SearchPathPlugin):
    """The conf/ folder in the working directory, whose choices stand beside those of clipbench."""

    def manipulate_search_path(self, search_path: ConfigSearchPath) -> None:
        """Add the folder, after clipbench's own."""
        if folder := user_config.user_conf():
            search_path.append("clipbench-user", f"file://{folder}")
