"""The text of `clipbench --help`, written here, since Hydra needs over a second to list the choices."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from clipbench import plugins
from clipbench.analyzers import registry
from clipbench.bench import invocation
from clipbench.bench.locations import CONF
from clipbench.bench.planning import config, user_config
from clipbench.executors import registry as executors

TEXT = """clipbench: which grouping of analyzers, under which executor, keeps the promise?

python run.py                                     the twenty analyzers on the reference clip
python run.py clip.path=my.mp4                    on your own clip
python run.py only=text_overlay,cut_analysis      a subset, with what it reads from
python run.py models.object_detection.fps=5       any setting of any analyzer
python run.py scenario.repeats=5 gate=enforce     exit code 3 where a target is missed
python run.py scenario=server scenario.rate=0.2   clips arrive at random: docs/server.md
python run.py baseline=save                       three times; then baseline=compare says what got slower
python run.py -m executor=threads,gpu_pinned repeats=9    jobs that take turns, and their comparison
python run.py plugins=[mine.py] grouping=mine     analyzers of your own: docs/your-pipeline.md
python run.py executor=threads grouping.groups.all.replicas=2    a group with two equal workers
python run.py grouping=auto                       a grouping that is found by costs: docs/planning.md
python run.py plan=true                           who would run what and where; nothing is loaded
python run.py -v                                  lists the targets that are met too
python run.py --doctor                            what is here, what is missing, and how to mend it
python run.py --cfg job --package models          every setting with its value
python run.py --hydra-help                        Hydra's own options

Choose one of each (GROUP=NAME; the files are in conf/):

{groups}
{own}
Exit codes: 0 ran · 2 bad configuration or input · 3 a target was missed · 4 slower than the baseline ·
            5 nothing valid was measured (gate=off: 0)
Results: outputs/<date>/<time>/ and outputs/latest. Every number is defined in docs/numbers.md."""


def help_text(arguments: Sequence[str] = ()) -> str:
    """The help, with the choices that come with clipbench and those that the user adds, in `arguments` too.

    Raises InputError and PluginError for a clipbench.yaml or a plugin that cannot be used.
    """
    user_config.with_user_config(arguments)
    groups = dict(sorted((user_config.choices_in(CONF) | config.choices()).items()))
    groups["executor"] = [name for name in groups["executor"] if name not in executors.own()]
    own = {"analyzers": registry.own(), "executor": executors.own()}
    for group, names in user_config.choices_in(user_config.user_conf()).items():
        own[group] = sorted({*own.get(group, ()), *names})
    listed = listing({kind: names for kind, names in own.items() if names})
    where = f"Yours (plugins: {', '.join(plugins.names()) or 'none'}; conf/ in this directory):"
    text = TEXT.replace("python run.py", invocation.program())
    return text.format(groups=listing(groups), own=f"\n{where}\n\n{listed}\n" if listed else "")


def listing(groups: Mapping[str, Sequence[str]]) -> str:
    """A line for each group with its choices."""
    return "\n".join(f"  {group}: {', '.join(names)}" for group, names in groups.items())
