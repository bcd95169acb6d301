"""The groups as Ray actors, on a cluster that is started for the run or on an existing one.

Commands travel as calls, reports as a stream, and the clip through Ray's object store, which the actors of a
machine read in place. Workers that share a GPU are each assigned an equal part of it, but Ray does not limit
how much of its memory they use. On the other machines of a cluster, the project must be installed with the
same Python and the same packages.
"""

from __future__ import annotations

import logging
import os
import secrets
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass, replace
from multiprocessing import Pipe
from queue import SimpleQueue
from typing import Any

from clipbench import plugins
from clipbench.analyzers.base import setting
from clipbench.analyzers.threads import cores_allowed
from clipbench.executors import devices, faults, held_signals, ray_head
from clipbench.executors.base import Clip, ExecutorLost, ExecutorUnavailable, Observer, Plan, now
from clipbench.executors.connected import Connected
from clipbench.executors.leftovers import OwnFolder, Reaper
from clipbench.executors.object_store import StoredClip
from clipbench.executors.protocol import Command, Ended, Link, Report, WorkerSpec
from clipbench.executors.serving import THREAD_VARIABLES, serve
from clipbench.executors.settings import ExecutorSettings
from clipbench.executors.supervision import GRACE_S

log = logging.getLogger(__name__)

LOOPBACK = "127.0.0.1"
#: Seconds between two looks at whether Ray has answered, and at whether the head is there.
MOMENT_S, CHECK_S = 0.001, 0.05


@dataclass(frozen=True)
class RaySettings(ExecutorSettings):
    """The settings of Ray."""

    address: str | None = setting(
        None, "address of a cluster to join, such as 10.0.0.5:6379 or auto; null: start one for the run"
    )


class Ray(Connected):
    """The groups of the plan, each an actor."""

    name = "ray"
    settings_type = RaySettings
    requires = ("ray",)
    contains = faults.CONTAINABLE
    children = False  # Ray's daemon starts them

    def __init__(self, observer: Observer) -> None:
        super().__init__(observer)
        self.cluster: ThreadPoolExecutor | None = None
        self.folder: OwnFolder | None = None
        self.reaper: Reaper | None = None
        self.head: dict[str, int] = {}
        self.lost_head = ""

    def start(self, plan: Plan) -> None:
        assert isinstance(plan.settings, RaySettings)
        address = plan.settings.address
        prepare_import(address)
        try:
            import ray
        except ImportError as error:
            raise ExecutorUnavailable('executor=ray requires Ray: pip install "clipbench[ray]"') from error
        logging.getLogger("ray").setLevel(logging.ERROR)
        # Ray's processes end with the thread that starts them, so it stays until `close`. An interrupt
        # does not reach that thread, and so leaves no half-started cluster. What Ray starts inherits which
        # signals are blocked: a head that a closed terminal ends would take this process along.
        self.cluster = ThreadPoolExecutor(1, "ray", held_signals.block_those_of_terminal)
        options = {"address": address} if address else self._own_cluster()
        try:
            self._asked(lambda: join(options))
        except (ConnectionError, ValueError, RuntimeError) as error:
            where = f"there is no cluster at {address}" if address else "no cluster can be started"
            raise ExecutorUnavailable(f"executor=ray: {where}: {error}") from error
        wanted = {worker.device for worker in plan.layout} - {"cpu"}
        resources: dict[str, float] = self._asked(ray.cluster_resources)
        if len(wanted) > (there := int(resources.get("GPU", 0))):
            raise ExecutorUnavailable(f"executor=ray: the plan needs {len(wanted)} GPUs, Ray has {there}")
        #: Device → the share of it that each of its workers is lent.
        self.shares = {d: 1 / sum(w.device == d for w in plan.layout) for d in wanted}
        super().start(plan)

    def _own_cluster(self) -> dict[str, Any]:
        """What makes Ray start a cluster for this run alone."""
        # Ray's sockets lie in the folder, and a socket's path must be short. Ray opens its own to everybody.
        self.folder = OwnFolder("/tmp")
        self.reaper = Reaper(self.folder.path)
        return {
            "address": "local",
            "_node_ip_address": LOOPBACK,  # its ports are for nobody else
            "num_cpus": cores_allowed(),
            "_temp_dir": os.path.join(self.folder.name, "r"),
            "include_dashboard": False,
            "_system_config": {
                # Where a signal has ended Ray's processes before us, we do not wait a minute for them.
                "gcs_rpc_server_reconnect_timeout_s": 15,
                "worker_niceness": 0,  # by Ray's default of 15, workers come behind all else on the machine
            },
        }

    def _asked(self, ask: Callable[[], Any]) -> Any:
        """What Ray answers. Its thread is the one that waits: it waits for good where the head has died."""
        return self._answered(ask, self._check_head)

    def _answered(self, ask: Callable[[], Any], meanwhile: Callable[[], None]) -> Any:
        """What Ray answers, after `meanwhile` now and then; our handlers of signals are kept all the while.

        Ray replaces that of SIGTERM when it connects, by one that aborts, and removes it when it disconnects:
        a signal that came then would end this process with all that it has measured.
        """
        assert self.cluster is not None
        answer = self.cluster.submit(ask)
        while not answer.done():
            until_s = now() + CHECK_S
            while not answer.done() and now() < until_s:
                wait([answer], timeout=MOMENT_S)
                held_signals.put_back()
            meanwhile()
        held_signals.put_back()
        return answer.result()

    def _check_head(self) -> None:
        """Raise ExecutorLost where the head of a cluster that was started for this run has died."""
        if self.reaper is not None and len(self.head) < len(ray_head.HEAD):
            self.head |= ray_head.processes()
        if lost := ray_head.dead(self.head):
            self.lost_head = lost
            raise ExecutorLost(f"executor=ray: the head of the cluster has ended ({lost})")

    def wait(self, links: Sequence[Link], timeout_s: float) -> Sequence[Link]:
        self._check_head()
        return super().wait(links, timeout_s)

    def open(self, spec: WorkerSpec) -> Link:
        import ray

        device = spec.worker.device
        environment = dict.fromkeys(THREAD_VARIABLES, str(spec.worker.threads))
        environment[plugins.VARIABLE] = os.pathsep.join(plugins.names())
        if device == "cpu":
            environment["CUDA_VISIBLE_DEVICES"] = ""  # no context on a GPU that this worker does not use
        options: dict[str, Any] = {
            "num_cpus": 0,  # the plan has shared out the cores
            "num_gpus": self.shares.get(device, 0.0),
            "max_restarts": 0,  # whoever replaces it must know what it was doing
            "scheduling_strategy": "SPREAD",
            "concurrency_groups": {"inbox": 1},
            "runtime_env": {"env_vars": environment},
        }
        make: Any = ray.remote(**options)
        return ActorLink(self._asked(lambda: make(Actor).remote(spec)))

    def shared(self, clip: Clip) -> Clip:
        return StoredClip(clip)

    def pids(self) -> dict[str, int]:
        workers = self.supervisor.workers if self.supervisor else []
        here = {w.name for w in workers if isinstance(w.link, ActorLink) and w.link.here}
        return {name: pid for name, pid in super().pids().items() if name in here}

    def close(self) -> None:
        if self.cluster is not None:
            import ray

            if self.lost_head:
                ray_head.leave()
            else:
                if self.supervisor is not None:
                    self.supervisor.kill()
                self._answered(ray.shutdown, lambda: None)
            self.cluster.shutdown(wait=not self.lost_head)
            self.cluster = None
        if self.reaper is not None:
            self.reaper.close()
        if self.folder is not None:
            self.folder.close()


def prepare_import(address: str | None) -> None:
    """Set what Ray reads when it is imported."""
    if "ray" in sys.modules:
        return
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    if not address:  # a cluster that only this process can speak to, and no token in the user's home
        os.environ.setdefault("RAY_AUTH_MODE", "token")
        os.environ.setdefault("RAY_AUTH_TOKEN", secrets.token_hex(32))
        # For every system, in spite of its name: else Ray takes an address of the network for 127.0.0.1.
        os.environ.setdefault("RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER", "0")


def join(options: dict[str, Any]) -> None:
    """Start a cluster, or join one."""
    import ray

    with ray_head.apart():
        ray.init(log_to_driver=False, logging_level=logging.ERROR, **options)


class Actor:
    """A worker, in a process that Ray makes; to `serve` it is the connection."""

    def __init__(self, spec: WorkerSpec) -> None:
        if spec.dies_at_start():
            faults.strike("no_start")
        self.spec = spec
        self.inbox: SimpleQueue[Command] = SimpleQueue()
        self.outbox: SimpleQueue[Report | None] = SimpleQueue()
        self.recv, self.send = self.inbox.get, self.outbox.put

    def tell(self, command: Command) -> None:
        """Called by the executor: what the worker is to do."""
        self.inbox.put(command)

    def talk(self) -> Iterator[Any]:
        """Called by the executor: serve, and report all that the worker says.

        The first report is the node and how far its clock is from the time of day.
        """
        import ray

        yield ray.get_runtime_context().get_node_id(), time.time() - now()
        device = devices.alone(self.spec.worker.device)
        threading.Thread(target=serve, args=(self, self.spec, device), daemon=True).start()
        while (report := self.outbox.get()) is not None:
            yield report

    def close(self) -> None:
        self.outbox.put(None)


class ActorLink:
    """An actor as the executor holds it. What it says is passed on through a pipe, to be waited for."""

    def __init__(self, actor: Any) -> None:
        self.actor, self.here, self.reason = actor, False, "the actor ended"
        self.heard, self.said = Pipe(duplex=False)
        self.fileno, self.poll, self.recv = self.heard.fileno, self.heard.poll, self.heard.recv
        self.listener = threading.Thread(target=self._listen, daemon=True)
        self.listener.start()

    def send(self, command: Command) -> None:
        self.actor.tell.options(concurrency_group="inbox", num_returns=0).remote(command)

    def _listen(self) -> None:
        """Pass on what the actor says, with the times of another machine on this one's clock."""
        import ray

        try:
            said: Iterator[Any] = self.actor.talk.options(num_returns="streaming").remote()
            stream: Iterator[Any] = map(ray.get, said)
            node, epoch = next(stream)
            self.here = node == ray.get_runtime_context().get_node_id()
            shift = 0.0 if self.here else epoch - (time.time() - now())
            for report in stream:
                self.said.send(shifted(report, shift))
        except ray.exceptions.RayError as error:
            self.reason = reason(str(error))
        except OSError as error:
            log.debug("nobody listens to the actor any more: %s", error)
        finally:
            self.said.close()

    def kill(self, grace_s: float = 0.0) -> None:
        import ray

        ray.kill(self.actor, no_restart=True)
        self.heard.close()
        self.listener.join(GRACE_S)

    def died_of(self) -> str:
        return self.reason


def shifted(report: Report, by_s: float) -> Report:
    """A report with its times moved by so many seconds."""
    match report:
        case Ended(span) if by_s:
            return Ended(replace(span, start_s=span.start_s + by_s, end_s=span.end_s + by_s))
        case _:
            return report


def reason(message: str) -> str:
    """What Ray says of a death, in one line and without its guesses."""
    said = message.strip().splitlines()[-1].rpartition("Worker exit detail: ")[2]
    return f"Ray says: {said.partition(' Some common causes')[0]}"
