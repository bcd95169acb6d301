"""The command `clipbench`: one run of a grouping under an executor, or a sweep over several.

This module imports nothing heavy, so that a mistake on the command line is told at once.
"""

from __future__ import annotations

import logging
import os
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import clipbench

if TYPE_CHECKING:
    from collections.abc import Iterable

    from omegaconf import DictConfig

    from clipbench.bench.sweeping.sweep import Sweep

T = TypeVar("T")
log = logging.getLogger(__name__)

# Libraries read these when they are first imported. OpenMP threads that spin while they wait would take the
# cores from the threads of other libraries.
os.environ.setdefault("GOMP_SPINCOUNT", "0")
os.environ.setdefault("OMP_WAIT_POLICY", "passive")
# CUDA numbers the GPUs as NVML and a plan do.
os.environ.setdefault("CUDA_DEVICE_ORDER", "PCI_BUS_ID")
os.environ["HYDRA_FULL_ERROR"] = "1"  # Hydra raises configuration errors, and `main` explains them


def execute(cfg: DictConfig) -> int:
    """Do what one configuration asks for: a run, a search, a calibration or a plan; returns the exit code."""
    from hydra.core.hydra_config import HydraConfig

    from clipbench.bench import invocation
    from clipbench.bench.file_names import readable
    from clipbench.bench.planning import config
    from clipbench.bench.runs import folders
    from clipbench.reports import terminal

    log.info("clipbench %s: %s", clipbench.__version__, readable(shlex.join(invocation.command_line())))

    folder = Path(HydraConfig.get().runtime.output_dir)
    options = config.typed(cfg)
    console = terminal.console()
    if options.plan:
        from clipbench.commands.describe import describe

        code = describe(options, console)
        folders.discard(folder)
        return code
    if options.calibrate:
        from clipbench.commands.calibrate import calibrate

        return calibrate(options, folder, console)
    if options.scenario.search:
        from clipbench.commands.search import search

        return search(options, folder, console)
    from clipbench.commands.measure import measure

    return measure(options, folder, console)


def conduct(sweep: Sweep) -> int:
    """Run a sweep; returns the exit code."""
    from clipbench.commands import sweep as command

    return command.conduct(sweep)


def checking(jobs: list[T]) -> Iterable[T]:
    """The jobs of a sweep, with a progress bar while they are validated."""
    from clipbench.reports import terminal

    return terminal.track(jobs, "checking the jobs")


def main() -> int:
    """Run with `sys.argv`; returns the exit code. A crash of the harness raises, which exits with 1."""
    if "--version" in sys.argv[1:]:
        print(f"clipbench {clipbench.__version__}")
        return 0
    if "--doctor" in sys.argv[1:]:
        from clipbench.commands.doctor import doctor

        return doctor()
    from hydra.errors import HydraException
    from omegaconf.errors import OmegaConfBaseException
    from yaml import YAMLError

    from clipbench.bench.errors import InputError, Interrupted
    from clipbench.bench.planning.config_errors import explain
    from clipbench.plugins import PluginError

    try:
        if {"-h", "--help"}.intersection(sys.argv[1:]):
            from clipbench.bench.planning.help import help_text

            print(help_text(sys.argv[1:]))
            return 0
        return compose_and_execute()
    except (PluginError, InputError) as error:
        return complain(str(error))
    except (HydraException, OmegaConfBaseException, YAMLError) as error:
        return complain(explain(error))
    except Interrupted as stop:
        print("clipbench: interrupted; nothing was measured", file=sys.stderr)
        return stop.code


def compose_and_execute() -> int:
    """Let Hydra compose the configuration, and execute it or the sweep that it asks for."""
    import hydra
    from hydra.core.hydra_config import HydraConfig
    from omegaconf.errors import OmegaConfBaseException

    from clipbench.bench.errors import Exit, InputError
    from clipbench.bench.locations import CONF
    from clipbench.bench.planning import config, user_config
    from clipbench.bench.planning.config_errors import explain
    from clipbench.bench.runs import folders
    from clipbench.bench.sweeping import hydra_sweeper
    from clipbench.executors import machine_limits
    from clipbench.executors.base import ExecutorUnavailable

    code: int = Exit.OK
    begun = False

    @hydra.main(version_base="1.3", config_path=str(CONF), config_name="config")
    def job(cfg: DictConfig) -> None:
        nonlocal code, begun
        begun = True
        try:
            code = max(code, execute(cfg))
        except (InputError, ExecutorUnavailable, OmegaConfBaseException) as error:
            line = explain(error) if isinstance(error, OmegaConfBaseException) else str(error)
            log.info("refused: %s", line)
            code = complain(line)
            folders.discard(Path(HydraConfig.get().runtime.output_dir))
        except (OSError, MemoryError, RuntimeError, ImportError) as error:  # before Hydra adds a line to it
            if not (line := machine_limits.explain(error)):
                raise
            code = complain(line)
        log.info("exit code %d", code)

    def sweep(planned: Sweep) -> None:
        nonlocal code
        code = conduct(planned)

    sys.argv[1:] = user_config.with_user_config(sys.argv[1:])
    config.register()
    hydra_sweeper.register(sweep, checking)
    try:
        job()
    except OSError as error:
        if begun or error.filename is None or machine_limits.explain(error):
            raise
        # Hydra could not create the run's folder.
        return complain(f"hydra.run.dir: {error.filename} cannot be written to ({error.strerror})")
    return code


def complain(line: str) -> int:
    """Print one line on stderr, and leave no folder behind; returns the exit code for bad input."""
    from clipbench.bench.runs import folders
    from clipbench.reports.formatting import one_line

    folders.discard()
    print(f"clipbench: {one_line(line)}", file=sys.stderr)
    return 2
