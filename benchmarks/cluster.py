"""What executing a table on Ray costs and gains: python -m benchmarks.cluster tasks|table|back [PHOTOS]

tasks: 10,000 tasks that do nothing, on this machine: seconds a task, memory of the driver, what listens.
table: four small rows, one after the other with two threads, and side by side with one thread each.
back: a run folder with a checkpoint of 1 GB comes back from a node: seconds, memory of node and driver.
"""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import psutil

COUNT = 10_000
TABLE = """
defaults:
  data: {{path: {photos}, duplicates: keep}}
  augment: {{resize: 80, size: 64}}
  model: {{backbone: resnet18, weights: none}}
  features: {{floor: false}}
  explain: {{top_losses: false, background: 0}}
  train: {{stages: [fit_one_cycle: {{epochs: 3}}]}}
  export: {{pkl: false, onnx: false, safetensors: false, weights: false, timings: false}}
rows:
  a: {{}}
  b: {{loader: {{batch_size: 32}}}}
  c: {{augment: {{max_rotate: 20}}}}
  d: {{train: {{seed: 7}}}}
"""


def tasks() -> None:
    """Print the cost of a task."""
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    import ray

    started = time.perf_counter()
    ray.init(num_cpus=2, include_dashboard=False, _node_ip_address="127.0.0.1", log_to_driver=False)
    print(f"Ray begins in {time.perf_counter() - started:.1f} s", flush=True)
    here = psutil.Process()
    mine = {here.pid, *(child.pid for child in here.children(recursive=True))}
    listening = [one for one in psutil.net_connections() if one.status == "LISTEN" and one.pid in mine]
    outside = [one.laddr for one in listening if one.laddr.ip not in ("127.0.0.1", "::1")]
    print(f"{len(listening)} sockets listen, beyond loopback: {outside or 'none'}", flush=True)
    task = ray.remote(lambda number: number).options(num_cpus=1)
    ray.get(task.remote(0))
    before, started = here.memory_info().rss, time.perf_counter()
    going = [task.remote(number) for number in range(COUNT)]
    while going:
        _, going = ray.wait(going, num_returns=1)
    spent = time.perf_counter() - started
    grown = (here.memory_info().rss - before) / 2**20
    print(f"{COUNT} tasks: {1000 * spent / COUNT:.2f} ms a task, the driver grows by {grown:.0f} MB")
    ray.shutdown()


def table(photos: Path) -> None:
    """Print seconds of each way."""
    with tempfile.TemporaryDirectory() as place:
        file = Path(place) / "t.yaml"
        file.write_text(TABLE.format(photos=photos.resolve()), encoding="utf-8")
        environment = {name: value for name, value in os.environ.items() if not name.endswith("_NUM_THREADS")}
        environment["KIMCHI_CACHE"] = str(Path(place) / "cache")
        for on in ("warm", "serial", "local", "ray"):
            command = [sys.executable, "-m", "kimchi_vision", "run", str(file), "--exports", f"{place}/{on}"]
            command += ["--on", "local" if on == "warm" else on]
            started = time.perf_counter()
            done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
            if done.returncode:
                sys.exit(done.stderr[-2000:])
            print(f"{on}: {time.perf_counter() - started:.1f} s", flush=True)


def back() -> None:
    """Print what a large run folder takes to come back."""
    from kimchi_vision.jobs.executor import cluster, parcels

    with tempfile.TemporaryDirectory() as place, cluster.connected(None) as ray:
        there, here = Path(place) / "node" / "run", Path(place) / "driver" / "run"
        (there / "checkpoints").mkdir(parents=True)
        (there / "experiment.yaml").write_text("name: run")
        with (there / "checkpoints" / "last.pth").open("wb") as file:
            for _ in range(64):
                file.write(os.urandom(2**24))
        pack, read = ray.remote(_packed), ray.remote(parcels.read)
        ray.get([pack.remote(there.parent / "none"), read.remote(there, ())])
        before, started = _peak(), time.perf_counter()
        parcel, grown = ray.get(pack.remote(there))
        packed = time.perf_counter() - started
        parcels.collect(parcel._replace(path=here), lambda spans: ray.get(read.remote(there, spans)))
        spent = time.perf_counter() - started
        size = sum(file.stat().st_size for file in here.rglob("*") if file.is_file()) / 2**20
        print(f"{size:.0f} MB: {packed:.1f} s for digests, {spent:.1f} s in all; ", end="")
        print(f"peak memory grows by {grown:.0f} MB on the node, {_peak() - before:.0f} MB in the driver")


def _packed(run: Path) -> tuple[Any, float]:
    from kimchi_vision.jobs.executor import parcels

    before = _peak()
    parcel = parcels.packed(run, lambda piece: piece.spans) if run.is_dir() else None
    return parcel, _peak() - before


def _peak() -> float:
    """MB that this process has held at most."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**10


if __name__ == "__main__":
    {"tasks": tasks, "back": back}.get(sys.argv[1], lambda: table(Path(sys.argv[2])))()
