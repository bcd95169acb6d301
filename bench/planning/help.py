"""`run.py --help`: written out here, since Hydra takes over a second to list what there is to choose from."""

from __future__ import annotations

from pathlib import Path

from clipbench.bench import invocation

TEXT = """clipbench: which grouping of analyzers, under which executor, keeps the promise?

python run.py                                     the twenty analyzers on the reference clip
python run.py clip.path=my.mp4                    on your own clip
python run.py only=[text_overlay,cut_analysis]    a subset, with what it reads from
python run.py models.object_detection.fps=5       any setting of any analyzer
python run.py scenario.repeats=5 gate=enforce     exit code 3 where a target is missed
python run.py baseline=save                       three times; then baseline=compare says what got slower
python run.py -m executor=threads,gpu_pinned repeats=9    jobs that take turns, and their comparison
python run.py plan=true                           who would run what and where; nothing is loaded
python run.py --cfg job --package models          every setting with its value
python run.py --hydra-help                        Hydra's own options

Choose one of each (GROUP=NAME; the files are in conf/):

{groups}

Exit codes: 0 ran · 2 bad configuration or input · 3 a target was missed · 4 slower than the baseline ·
            5 nothing valid was measured
Results: outputs/<date>/<time>/ and outputs/latest. Every number is defined in docs/numbers.md."""


def help_text(conf: Path) -> str:
    """The help, with the choices that the folders below `conf` hold."""
    groups = [
        f"  {folder.name}: {', '.join(sorted(path.stem for path in folder.glob('*.yaml')))}"
        for folder in sorted(conf.iterdir())
        if folder.is_dir()
    ]
    text = TEXT.replace("python run.py", invocation.program())
    return text.format(groups="\n".join(groups))
