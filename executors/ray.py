"""The groups as Ray actors, on a cluster that is started for the run or on one that is there already.

What workers are told travels as calls, what they say as a stream, and the clip through Ray's object store,
which every machine's actors read in place. A GPU that several groups share is lent to each in equal parts,
in name: how much of its memory a group takes, Ray does not limit. On the other machines of a cluster the
project must be installed with the same Python and the same packages.
"""

from __future__ import annotations

import contextlib
import logging
import os
import secrets
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass, replace
from functools import cached_property
from multiprocessing import Pipe
from queue import SimpleQueue
from typing import Any

from clipbench.analyzers.threads import cores_allowed
from clipbench.executors import devices, faults
from clipbench.executors.base import Clip, ExecutorUnavailable, OpenClip, Outcome, Plan, now
from clipbench.executors.remote import Remote, Spec, names, serve
from clipbench.executors.scheduled import Scheduled

#: Seconds that an actor has for ending by itself.
GRACE_S = 2.0
THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")


class Ray(Scheduled):
    """The groups of the plan, each an actor."""

    name = "ray"
    contains = faults.CONTAINABLE
    overlaps_decoding = False  # what is in the object store can no longer be written
    children = False  # Ray's daemon starts them
    cluster: ThreadPoolExecutor | None = None
    folder: tempfile.TemporaryDirectory | None = None
    remotes = ()

    def start(self, plan: Plan) -> None:
        address = plan.options.get("address")
        if "ray" not in sys.modules:  # it reads them when it is imported
            os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
            if not address:  # a cluster that only this process can speak to, and no token in the user's home
                os.environ.setdefault("RAY_AUTH_MODE", "token")
                os.environ.setdefault("RAY_AUTH_TOKEN", secrets.token_hex(32))
        try:
            import ray
        except ImportError as error:
            raise ExecutorUnavailable('executor=ray takes Ray: pip install "clipbench[ray]"') from error
        logging.getLogger("ray").setLevel(logging.ERROR)
        options = {"address": address, "log_to_driver": False, "logging_level": logging.ERROR}
        if not address:
            # Ray's sockets lie in it, and a socket's path must be short.
            self.folder = tempfile.TemporaryDirectory("", "clipbench-", "/tmp", ignore_cleanup_errors=True)
            options |= {"address": "local", "num_cpus": cores_allowed(), "_temp_dir": self.folder.name}
            # Where a signal has ended Ray's processes before us, we do not wait a minute for them.
            patience = {"gcs_rpc_server_reconnect_timeout_s": 15}
            options |= {"include_dashboard": False, "_system_config": patience}
        # Ray's processes end with the thread that starts them, so it stays until `close`. An interrupt
        # does not reach it, and leaves no half a cluster.
        self.cluster = ThreadPoolExecutor(1, "ray")
        started = self.cluster.submit(ray.init, **options)
        while not started.done():
            wait([started], timeout=0.05)
            if threading.current_thread() is threading.main_thread():  # Ray puts its own in the place of ours
                signal.signal(signal.SIGTERM, signal.getsignal(signal.SIGTERM))
        try:
            started.result()
        except (ConnectionError, ValueError, RuntimeError) as error:
            raise ExecutorUnavailable(f"executor=ray: no cluster at {address or 'hand'}: {error}") from error
        wanted = {group.device for group in plan.groups} - {"cpu"}
        if len(wanted) > (there := int(ray.cluster_resources().get("GPU", 0))):
            raise ExecutorUnavailable(f"executor=ray: the plan takes {len(wanted)} GPUs, Ray has {there}")
        super().start(plan)

    def open(self, spec: Spec) -> Remote:
        import ray

        device = spec.group.device
        environment = dict.fromkeys(THREADS, str(spec.plan.threads))
        share = 0.0
        if device == "cpu":
            environment["CUDA_VISIBLE_DEVICES"] = ""  # no context on a GPU that this worker does not use
        else:
            share = 1 / sum(group.device == device for group in spec.plan.groups)
        make = ray.remote(
            num_cpus=0,  # the plan has shared out the cores
            num_gpus=share,
            max_restarts=0,  # whoever replaces it must know what it was at
            scheduling_strategy="SPREAD",
            concurrency_groups={"inbox": 1},
            runtime_env={"env_vars": environment},
        )
        line = Line(make(Actor).remote(spec))
        return Remote(spec, line, line)

    def kill(self, remote: Remote) -> None:
        import ray

        ray.kill(remote.body.actor, no_restart=True)
        remote.body.close()

    def end(self, remote: Remote) -> None:
        with contextlib.suppress(EOFError):
            while remote.connection.poll(GRACE_S):
                self._hear(remote, remote.connection.recv())
        self.kill(remote)

    def died_of(self, remote: Remote) -> str:
        return remote.body.reason

    def run_many(self, clips: Iterator[Clip], in_flight: int) -> Iterator[tuple[int, Outcome]]:
        yield from super().run_many(map(Stored, clips), in_flight)

    def pids(self) -> dict[str, int]:
        here = {remote.name for remote in self.remotes if remote.body.here}
        return {name: pid for name, pid in super().pids().items() if name in here}

    def close(self) -> None:
        if self.cluster is not None:
            import ray

            for remote in self.remotes:
                self.kill(remote)
            self.remotes = []
            self.cluster.submit(ray.shutdown).result()
            self.cluster.shutdown()
            self.cluster = None
        if self.folder is not None:
            self.folder.cleanup()


class Actor:
    """A worker, in a process that Ray makes; to `serve` it is the connection."""

    def __init__(self, spec: Spec) -> None:
        dies = any(f.kind == "no_start" and f.analyzer in names(spec.group) for f in spec.plan.faults)
        if dies and spec.attempt == 0:
            faults.strike("no_start")
        self.spec, self.inbox, self.outbox = spec, SimpleQueue(), SimpleQueue()
        self.recv, self.send = self.inbox.get, self.outbox.put

    def tell(self, message: tuple) -> None:
        """Called by the executor: what the worker is to do."""
        self.inbox.put(message)

    def talk(self) -> Iterator[tuple]:
        """Called by the executor: serve, and say where this is, at which difference to the time of day, and
        then all that the worker says."""
        import ray

        yield ray.get_runtime_context().get_node_id(), time.time() - now()
        threading.Thread(
            target=serve, args=(self, self.spec, devices.alone(self.spec.group.device)), daemon=True
        ).start()
        while (message := self.outbox.get()) is not None:
            yield message

    def close(self) -> None:
        self.outbox.put(None)


class Line:
    """An actor as the executor holds it: the connection, and the body, of a `Remote`."""

    def __init__(self, actor: Any) -> None:
        self.actor, self.here, self.reason = actor, False, "the actor ended"
        self.heard, self.said = Pipe(duplex=False)
        self.fileno, self.poll, self.recv = self.heard.fileno, self.heard.poll, self.heard.recv
        self.listener = threading.Thread(target=self._listen, daemon=True)
        self.listener.start()

    def send(self, message: tuple) -> None:
        self.actor.tell.options(concurrency_group="inbox", num_returns=0).remote(message)

    def _listen(self) -> None:
        """Pass on what the actor says, with the times of another machine on this one's clock."""
        import ray

        try:
            stream = map(ray.get, self.actor.talk.options(num_returns="streaming").remote())
            node, epoch = next(stream)
            self.here = node == ray.get_runtime_context().get_node_id()
            shift = 0.0 if self.here else epoch - (time.time() - now())
            for message in stream:
                if message[0] == "ended":
                    span = message[1]
                    message = "ended", replace(span, start_s=span.start_s + shift, end_s=span.end_s + shift)
                self.said.send(message)
        except ray.exceptions.RayError as error:
            self.reason = reason(str(error))
        except OSError:
            pass  # nobody wants to hear it any more
        finally:
            self.said.close()

    def close(self) -> None:
        """Stop listening to an actor that has ended or was killed."""
        self.heard.close()
        self.listener.join(GRACE_S)


class Stored:
    """A clip that goes into Ray's object store when it is first asked for."""

    def __init__(self, clip: Clip) -> None:
        self.clip, self.decoded = clip, clip.decoded

    def share(self) -> Reference:
        return self.reference

    @cached_property
    def reference(self) -> Reference:
        import ray

        return Reference(ray.put(self.clip.export()))


@dataclass(frozen=True)
class Reference:
    """A clip in the object store."""

    stored: Any

    def open(self) -> OpenClip:
        import ray

        return ray.get(self.stored).open()


def reason(message: str) -> str:
    """What Ray says of a death, in one line and without its guesses."""
    said = message.strip().splitlines()[-1].rpartition("Worker exit detail: ")[2]
    return f"Ray says: {said.partition(' Some common causes')[0]}"
