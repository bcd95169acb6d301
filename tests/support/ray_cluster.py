"""One Ray cluster for all tests of a file that only run something on Ray: to start it takes seconds.

How the executor starts and ends a cluster of its own is tested in tests/executors/test_ray.py and
tests/e2e/test_ray_run.py.
"""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import subprocess
import sys
from typing import NamedTuple

import psutil

from clipbench.executors.base import Plan
from clipbench.executors.ray import Actor, RaySettings, prepare_import

#: A process that holds a cluster, made as the executor makes its own, until its input ends.
HOLDER = """
import sys
from clipbench.executors.ray import Ray, join
from tests.support.fake_plans import Notes
executor = Ray(Notes())
join(executor._own_cluster())
import ray
print(ray.get_runtime_context().gcs_address, flush=True)
sys.stdin.read()
ray.shutdown()
executor.close()
"""


class Cluster(NamedTuple):
    """A cluster, and the process that holds it."""

    address: str
    holder: psutil.Popen


@functools.cache
def cluster() -> Cluster:
    """The cluster, which is started by the first call; it is there until `close`."""
    prepare_import(None)  # the token of the cluster, which its processes and this one inherit
    pipe = subprocess.PIPE
    holder = psutil.Popen([sys.executable, "-c", HOLDER], stdin=pipe, stdout=pipe, text=True)
    address = holder.stdout.readline().strip()
    assert address, "Ray did not start"
    return Cluster(address, holder)


def close() -> None:
    """End the cluster, if there is one."""
    if cluster.cache_info().currsize:
        cluster().holder.communicate()  # its input ends, and so does it
        cluster.cache_clear()


def joining(made: Plan) -> Plan:
    """The plan; one of Ray, on the cluster of the tests."""
    if not isinstance(made.settings, RaySettings):
        return made
    return dataclasses.replace(made, settings=dataclasses.replace(made.settings, address=cluster().address))


def processes() -> set[int]:
    """The processes of the cluster, where there is one, but for those that run actors."""
    if not cluster.cache_info().currsize:
        return set()
    holder = cluster().holder
    return {holder.pid, *(child.pid for child in holder.children(recursive=True) if not is_actor(child))}


def is_actor(process: psutil.Process) -> bool:
    """Whether an actor of ours runs in it: so Ray names the process."""
    with contextlib.suppress(psutil.Error):
        return process.cmdline()[:1] == [f"ray::{Actor.__name__}"]
    return False
