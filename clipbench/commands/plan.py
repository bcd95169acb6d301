"""The command `clipbench-plan`: what analyzers take of a machine, and what that means for the plans of it.

This module imports nothing heavy, so that a mistake on the command line is told at once.
"""

from __future__ import annotations

import importlib
import os
import sys

import clipbench
from clipbench.bench import invocation

# As run.py does: OpenMP threads that spin take the cores from others, and GPUs are counted as NVML does.
os.environ.setdefault("GOMP_SPINCOUNT", "0")
os.environ.setdefault("OMP_WAIT_POLICY", "passive")
os.environ.setdefault("CUDA_DEVICE_ORDER", "PCI_BUS_ID")

#: Sub-command → the module below clipbench.commands that does it, and what it is for.
COMMANDS = {"costs": ("costs", "measure what the analyzers take of this machine, or read it from a run")}

HELP = """{program}: what analyzers take of a machine, and what to do with that

{commands}
{program} machine=h100 gpus=1,2,4,8 models=random scenario=server scenario.rate=2 scenario.latency_limit_s=30
           which machine is enough, and the best grouping for each: predicted
{program} machine=here --write NAME
           the best grouping for this machine, kept as conf/grouping/NAME.yaml

Each has --help. KEY=VALUE are those of {run}: models=full, clip.path=my.mp4, only=[body_pose].
Exit codes: 0 done · 2 bad configuration or input. docs/costs.md and docs/planning.md have more."""


def main() -> int:
    """Do what `sys.argv` asks for; returns the exit code."""
    from hydra.errors import HydraException
    from omegaconf.errors import OmegaConfBaseException
    from yaml import YAMLError

    from clipbench.bench.errors import InputError, Interrupted
    from clipbench.bench.planning.config_errors import explain
    from clipbench.plugins import PluginError
    from clipbench.reports.formatting import one_line

    words = sys.argv[1:]
    if "--version" in words:
        print(f"clipbench {clipbench.__version__}")
        return 0
    question = [word for word in words if "=" in word] and words[0] not in COMMANDS
    if not question and (not words or words[0] not in COMMANDS):
        return usage(words)
    module, rest = ("machines", words) if question else (COMMANDS[words[0]][0], words[1:])
    try:
        code: int = importlib.import_module(f"clipbench.commands.{module}").main(rest)
        return code
    except (PluginError, InputError) as error:
        line = str(error)
    except (HydraException, OmegaConfBaseException, YAMLError) as error:
        line = explain(error)
    except Interrupted as stop:
        print("clipbench: interrupted", file=sys.stderr)
        return stop.code
    print(f"clipbench: {one_line(line)}", file=sys.stderr)
    return 2


def usage(words: list[str]) -> int:
    """Print the help, and what is wrong with the words unless they ask for it; returns the exit code."""
    from clipbench.bench.errors import nearest

    if words and words[0] not in ("-h", "--help"):
        print(f"clipbench: there is no command {words[0]}{nearest(words[0], COMMANDS)}", file=sys.stderr)
        return 2
    program = invocation.program("plan")
    lines = [f"{program} {name:<10} {about}" for name, (_, about) in COMMANDS.items()]
    print(HELP.format(program=program, commands="\n".join(lines), run=invocation.program()))
    return 0
