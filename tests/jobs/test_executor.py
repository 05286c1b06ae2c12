"""A table's runs side by side: in processes, and on a Ray cluster of two nodes."""

import hashlib
import importlib
import json
import logging
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import optuna
import pandas as pd
import psutil
import pytest

from kimchi_vision import data
from kimchi_vision.base.errors import ConfigError, InputError, InterruptedRunError
from kimchi_vision.base.files import write_table
from kimchi_vision.base.progress import Task, listening
from kimchi_vision.base.threads import SET
from kimchi_vision.config import load
from kimchi_vision.config.sections import Data, Jobs
from kimchi_vision.jobs import executor, table
from kimchi_vision.jobs.executor import Processes, Serial, interface, parcels
from kimchi_vision.jobs.executor import cluster as joining
from kimchi_vision.jobs.executor.interface import Leaf, training
from kimchi_vision.jobs.executor.on_ray import OnRay
from kimchi_vision.jobs.rank_backbones import scout
from kimchi_vision.jobs.search import search
from kimchi_vision.results.run import Run
from tests.fake_runs import fake_run
from tests.watched import ends

TABLE = """
jobs: {{cpus: 1}}
defaults:
  data: {{path: {photos}, splitter: stratified}}
  augment: {{resize: 40, size: 32}}
  loader: {{batch_size: 4, workers: 0}}
  model: {{backbone: test_efficientnet, weights: none}}
  features: {{floor: false}}
  explain: {{top_losses: false, background: 0}}
  train: [fit: {{epochs: {epochs}}}]
  export: {{pkl: false, onnx: false, safetensors: false, weights: true, timings: false}}
rows:
{rows}
"""


@pytest.fixture
def asked(folder_of, tmp_path):
    """Make a table file: rows as YAML lines."""
    photos = folder_of({"가": 8, "나": 8})

    def make(*rows: str, epochs: int = 1) -> Path:
        file = tmp_path / "t.yaml"
        lines = "\n".join(f"  {row}" for row in rows)
        file.write_text(TABLE.format(photos=photos, rows=lines, epochs=epochs), encoding="utf-8")
        return file

    return make


def digests(exports: Path) -> dict[str, str]:
    """What a run's answers and weights are, by file."""
    import torch

    found = {}
    for file in [*exports.rglob("predictions.csv"), *exports.rglob("weights.pth")]:
        if file.suffix == ".pth":  # whose archive holds the name that the file had while it was written
            parts = [tensor.numpy().tobytes() for tensor in torch.load(file).values()]
        else:
            parts = [file.read_bytes()]
        found[str(file.relative_to(exports))] = hashlib.sha256(b"".join(parts)).hexdigest()
    return found


@pytest.mark.parametrize("on", ["nowhere", "8"])
def test_a_place_that_is_none_is_refused(on):
    with pytest.raises(InputError, match=f"--on {on}: give serial, local, ray, auto, or an address"):
        executor.executor(on, Jobs())


def test_one_process_is_what_serial_means():
    assert executor.executor("serial", Jobs()) is None
    assert isinstance(executor.executor("local", Jobs()), Processes)


@pytest.mark.parametrize(("cores", "places"), [(5, 2), (4, 2), (3, None)])
def test_runs_of_two_threads_go_side_by_side_where_there_are_cores_for_two(monkeypatch, cores, places):
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    monkeypatch.setattr(executor, "cores", lambda: cores)
    on = executor.executor("auto", Jobs(cpus=2))
    assert (on.places if on else None) == places


def test_a_run_that_died_goes_on_even_where_it_was_forced(asked, monkeypatch, tmp_path):
    forced = []
    module = importlib.import_module("kimchi_vision.jobs.experiment")
    monkeypatch.setattr(module, "run", lambda experiment, exports, force: forced.append(force))
    ((experiment, _),) = load(asked("a: {}")).rows[0].runs()
    for force in (True, False):
        for again in (False, True):
            training(experiment, tmp_path, force).begin(again)
    assert forced == [True, False, False, False]


@pytest.mark.parametrize(("codes", "said"), [([-9, 0], None), ([-9] * 3, "killed 3 times, last by signal 9")])
def test_a_process_that_is_killed_is_begun_again_twice_to_go_on(monkeypatch, tmp_path, codes, said):
    left, again = iter(codes), []

    def once(self, leaf, goes_on, complaints):
        again.append(goes_on)
        code = next(left)
        return code, None if code else ("done", None)

    monkeypatch.setattr(Processes, "_once", once)
    ended = Processes(Jobs()).run([Leaf("a", partial(pow, 2), tmp_path)])
    assert again == [False, True, True][: len(codes)]
    assert ended.results == ({} if said else {"a": "done"})
    assert said is None or said in ended.refused["a"]


def test_memory_is_an_amount_of_bytes():
    assert [Jobs(memory=memory).bytes for memory in (None, "500MB", "1.5 GB")] == [
        0,
        500 * 10**6,
        1.5 * 10**9,
    ]


def test_jobs_that_make_no_sense_are_named(asked):
    file = asked("a: {}")
    file.write_text(file.read_text().replace("cpus: 1", "cpus: 1, memory: much"))
    with pytest.raises(ConfigError, match=r":2: `jobs\.memory`: write an amount of memory as 500MB or 8GB"):
        load(file)


def test_an_address_that_nobody_answers_is_said_at_once():
    pytest.importorskip("ray")
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
    started = time.monotonic()
    with pytest.raises(InputError, match="nobody answers there"):
        executor.executor(f"127.0.0.1:{port}", Jobs()).run([None])
    assert time.monotonic() - started < 15


@pytest.mark.parametrize("scheme", ["", "ray://"])
def test_a_cluster_that_refuses_a_token_says_at_once_how_it_is_given(monkeypatch, scheme):
    pytest.importorskip("ray")
    import grpc

    monkeypatch.delenv("RAY_AUTH_MODE", raising=False)

    class Refuses(grpc.GenericRpcHandler):
        def service(self, call):
            assert call.method in joining.PINGS.values()
            return grpc.unary_unary_rpc_method_handler(self.answer)

        def answer(self, request, context):
            context.abort(grpc.StatusCode.UNAUTHENTICATED, "InvalidAuthToken: it is missing")

    server = grpc.server(ThreadPoolExecutor(1), handlers=[Refuses()])
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    started = time.monotonic()
    with pytest.raises(InputError, match=r"missing\. If it asks for a token.*RAY_AUTH_MODE=token before"):
        executor.executor(f"{scheme}127.0.0.1:{port}", Jobs()).run([])
    assert time.monotonic() - started < 15
    server.stop(None).wait()


def test_what_listens_and_is_not_ray_is_said_in_time(monkeypatch):
    pytest.importorskip("ray")
    monkeypatch.setattr(joining, "ANSWERS", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as other:
        on = executor.executor(f"ray://127.0.0.1:{other.getsockname()[1]}", Jobs())
        with pytest.raises(InputError, match="what listens there is not that port of Ray"):
            on.run([])


@pytest.mark.slow
def test_processes_side_by_side_give_the_bits_that_one_process_gives(asked, tmp_path):
    file = asked("a: {seeds: [1, 2]}", "b: {folds: 2}")
    table.run_rows(load(file), tmp_path / "serial")
    finished = table.run_rows(load(file), tmp_path / "local", on=executor.executor("local", Jobs()))
    assert [len(runs) for runs in finished.values()] == [2, 1]
    assert digests(tmp_path / "serial") == digests(tmp_path / "local")


@pytest.mark.slow
def test_a_failed_run_is_named_and_the_others_run(asked, tmp_path, caplog):
    file = asked("good: {}", "bad: {data: {path: nowhere}}")
    with caplog.at_level(logging.INFO, "kimchi_vision"):
        finished = table.run_rows(load(file), tmp_path, on=executor.executor("local", Jobs()))
    assert list(finished) == ["good"]
    assert "bad failed, " in caplog.text


def test_a_table_of_tasks_follows_work_in_processes(tmp_path, caplog):
    """What fails is named with its reason, the others go on."""
    seen = []

    class Watching:
        def tasks(self, look):
            seen.append(look)

    leaves = [Leaf("four", partial(pow, 2), tmp_path), Leaf("none", partial(divmod, 1), tmp_path)]
    with caplog.at_level(logging.INFO, "kimchi_vision"), listening(Watching()):
        ended = Processes(Jobs()).run(leaves)
    assert ended.results == {"four": 1}
    assert list(ended.refused) == ["none"]
    assert seen[1] is None
    assert [(task.name, task.state) for task in seen[0]()] == [("four", "done"), ("none", "failed")]
    lines = [str(record.short) for record in caplog.records]
    assert lines[0] == "Run 1 of 2: four"
    assert any(line.startswith("none failed, ") and "ZeroDivisionError" in line for line in lines)


@pytest.mark.parametrize("on", [Serial(), Processes(Jobs())])
def test_a_training_is_watched_from_where_it_was_asked_for(on, tmp_path):
    """And the next one follows from what the last one gave."""
    given = [2]

    def leaves():
        while given[-1] < 4:
            watch = partial(lambda last, row: row["epoch"] > last, given[-1])
            yield Leaf(f"after {given[-1]}", ends, tmp_path, watch=watch)

    on.places = 1
    ended = on.run(leaves(), lambda leaf, done: given.append(done[0]))
    assert ended == ({"after 2": 3, "after 3": 4}, {})


@pytest.fixture
def ctrl_c() -> Iterator[None]:
    """SIGINT interrupts, even where the tests were begun in the background of a shell."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("ctrl_c")
def test_ctrl_c_stops_all_and_begins_no_more(tmp_path):
    work = partial(subprocess.check_call, ["sleep", "60"], stdout=subprocess.DEVNULL)
    on, started = Processes(Jobs()), time.monotonic()

    def interrupt():
        wait_for(lambda: len(on.going) == on.places)
        time.sleep(1)
        signal.pthread_kill(threading.main_thread().ident, signal.SIGINT)

    threading.Thread(target=interrupt).start()
    leaves = [Leaf(name, work, tmp_path) for name in map(str, range(on.places + 2))]
    with pytest.raises(InterruptedRunError, match="keeps its last checkpoint"):
        on.run(leaves)
    assert not on.going
    assert time.monotonic() - started < 50


def test_how_far_a_run_is_stands_in_its_folder(tmp_path, folder_of):
    photos = data.load(Data(path=folder_of({"a": 8, "b": 8}), valid_pct=0.5))
    stages = [{"fit_one_cycle": {"epochs": 6}}]
    run = fake_run(tmp_path / "a", photos, train={"stages": stages, "monitor": "error_rate"})
    write_table(run.files.history, run.history.assign(error_rate=1 - run.history["accuracy"]))
    leaf = training(run.experiment, tmp_path)
    assert interface.task(leaf, "waits", "") == Task("a", "waits")
    going = interface.task(leaf, "runs", "node-2")
    assert going == Task("a", "runs", "4/6", "20.0 %", pytest.approx(2 * 11.05), "node-2")
    assert interface.task(training(run.experiment, tmp_path / "none"), "runs", "") == Task("a", "runs")


def wait_for(there, seconds: float = 120) -> None:
    until = time.monotonic() + seconds
    while not there():
        assert time.monotonic() < until
        time.sleep(0.05)


@pytest.mark.slow
def test_a_killed_process_goes_on_by_itself_and_ends_equal(asked, tmp_path, caplog):
    file = asked("a: {}", epochs=6)
    table.run_rows(load(file), tmp_path / "whole")
    on = Processes(Jobs())
    failed = []

    def kill():
        wait_for(lambda: (tmp_path / "cut" / "t" / "a" / "checkpoints" / "last.pth").is_file())
        failed.extend(on.going)
        failed[0].send_signal(signal.SIGKILL)

    killer = threading.Thread(target=kill)
    killer.start()
    table.run_rows(load(file), tmp_path / "cut", on=on)
    killer.join()
    assert failed[0].returncode == -signal.SIGKILL
    assert "killed by signal 9; it goes on" in caplog.text
    assert digests(tmp_path / "whole") == digests(tmp_path / "cut")


def heard(driver: int, again: bool) -> list[str]:
    """Addresses on which a process and all that it has started listen, seen from one of these."""
    import psutil

    driver = psutil.Process(driver)
    sockets = [one for each in (driver, *driver.children(True)) for one in each.net_connections("inet")]
    return sorted({one.laddr.ip.removeprefix("::ffff:") for one in sockets if one.status == "LISTEN"})


@pytest.mark.slow
@pytest.mark.filterwarnings("default")
def test_nothing_of_a_ray_that_begins_here_listens_beyond_this_machine(tmp_path, monkeypatch):
    pytest.importorskip("ray")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([os.getcwd(), str(Path(__file__).parent)]))
    monkeypatch.setenv("RAY_ADDRESS", "127.0.0.1:1")  # another Ray, which is not asked for
    leaf = Leaf("heard", partial(heard, os.getpid()), tmp_path)
    assert executor.executor("ray", Jobs()).run([leaf]) == ({"heard": ["127.0.0.1"]}, {})


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
    """A head and a second node on loopback, each with one processor."""
    pytest.importorskip("ray")
    os.environ |= {"RAY_USAGE_STATS_ENABLED": "0", "PYTHONPATH": os.getcwd()}
    from ray.cluster_utils import Cluster

    node = {"num_cpus": 1, "object_store_memory": 80_000_000, "include_dashboard": False}
    found = Cluster(initialize_head=True, head_node_args=node)
    found.second = found.add_node(num_cpus=1, object_store_memory=80_000_000)
    yield found
    found.shutdown()


@pytest.mark.slow
@pytest.mark.filterwarnings("default")
def test_two_nodes_of_ray_give_the_bits_that_one_process_gives(asked, tmp_path, cluster):
    file = asked("a: {seeds: [1, 2]}", "b: {seeds: [1, 2], loader: {batch_size: 8}}", "c: {folds: 3}")
    table.run_rows(load(file), tmp_path / "serial")
    on = executor.executor(cluster.address, load(file).jobs)
    finished = table.run_rows(load(file), tmp_path / "ray", on=on)
    assert [len(runs) for runs in finished.values()] == [2, 2, 1]
    assert digests(tmp_path / "serial") == digests(tmp_path / "ray")


@pytest.fixture
def blind(tmp_path):
    """A cluster whose only worker sees neither the photos nor the runs: its folder of them is another."""
    ray = pytest.importorskip("ray")
    hides = ["unshare", "--mount", "sh", "-c"]
    if subprocess.run([*hides, f"mount -t tmpfs none {tmp_path}"], check=False).returncode:
        pytest.skip("a folder cannot be hidden from a process here: unshare needs rights")
    os.environ |= {"RAY_USAGE_STATS_ENABLED": "0", "PYTHONPATH": os.getcwd()}
    from ray.cluster_utils import Cluster

    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    head = {"num_cpus": 0, "object_store_memory": 80_000_000, "include_dashboard": False}
    head |= {"ray_client_server_port": port}
    found = Cluster(initialize_head=True, head_node_args=head)
    start = f"{sys.executable} -m ray.scripts.scripts start --address {found.address} --num-cpus 1 --block"
    begins = f"mount -t tmpfs none {tmp_path} && exec {start} --object-store-memory 80000000"
    node = subprocess.Popen([*hides, begins], stdout=subprocess.DEVNULL, start_new_session=True)
    found.node, found.client = node, f"ray://127.0.0.1:{port}"
    try:
        ray.init(address=found.address, log_to_driver=False)  # with logs, Ray replaces `print` for good
        wait_for(lambda: ray.cluster_resources().get("CPU"))
        ray.shutdown()
        yield found
    finally:
        os.killpg(node.pid, signal.SIGTERM)
        node.wait(60)
        found.shutdown()


@pytest.mark.slow
@pytest.mark.filterwarnings("default")
def test_a_node_without_the_photos_is_sent_them_ranks_backbones_and_sends_its_runs_back(
    asked, tmp_path, blind, caplog, monkeypatch
):
    """In pieces; a run whose node dies before it is back is done again."""
    import ray

    def collected(parcel, fetched, collect=parcels.collect):
        lost.append(parcel.path.name)
        if len(lost) == 1:
            raise ray.exceptions.NodeDiedError("its node has died")
        collect(parcel, fetched)

    lost = []
    monkeypatch.setattr(parcels, "collect", collected)
    file = asked("a: {}", "b: {folds: 2}")
    table.run_rows(load(file), tmp_path / "serial")
    ranked = scout(load(file).rows[0], ["test_efficientnet"], OnRay(blind.address, Jobs()), tmp_path)
    assert ranked["photos"].tolist() == [12]
    on = executor.executor(blind.address, load(file).jobs)
    with caplog.at_level(logging.INFO, "kimchi_vision"):
        finished = table.run_rows(load(file), tmp_path / "ray", on=on)
    assert list(finished) == ["a", "b"]
    assert "photos are sent to them" in caplog.text
    assert len(lost) == 4  # three runs, the first one twice
    assert digests(tmp_path / "serial") == digests(tmp_path / "ray")
    assert not Run(tmp_path / "ray" / "t" / "a").damaged()


class Ends(optuna.pruners.BasePruner):
    """Ends each trial after two epochs. The first one is disturbed before, the second one interrupted."""

    def __init__(self, disturb):
        self.todo = [disturb, partial(signal.raise_signal, signal.SIGINT)]

    def prune(self, study, trial):
        if self.todo and len(self.todo) == 2 - trial.number:
            self.todo.pop(0)()
        return trial.last_step == 2


@pytest.mark.slow
@pytest.mark.filterwarnings("default")
@pytest.mark.usefixtures("ctrl_c")
def test_a_search_shares_no_folder_and_a_killed_worker_and_ctrl_c_lose_no_trial(
    asked, tmp_path, blind, monkeypatch
):
    """Its driver, which speaks to the cluster's client port, hears each epoch and ends trials early."""
    [(experiment, _)] = load(asked("a: {}", epochs=4)).rows[0].runs()

    def kill():
        processes = psutil.Process(blind.node.pid).children(recursive=True)
        [worker] = [one for one in processes if "ray::done" in " ".join(one.cmdline())]
        worker.kill()

    def found(name, on, disturb):
        pruner = Ends(disturb)
        monkeypatch.setattr(optuna.pruners, "MedianPruner", lambda **given: pruner)
        with pytest.raises(InterruptedRunError, match="keeps its last checkpoint"):
            search(experiment, 600, tmp_path / name, trials=2, on=on)
        return search(experiment, 600, tmp_path / name, trials=2, on=on)

    serial = found("serial", Serial(), lambda: None)
    sent = found("ray", OnRay(blind.client, Jobs()), kill)
    assert sent.trials["user_attrs_ended_after"].dropna().tolist() == [2, 2]
    columns = ["value", "params_mult", "user_attrs_accuracy", "state"]
    assert sent.trials[columns].equals(serial.trials[columns])
    assert digests(tmp_path / "serial") == digests(tmp_path / "ray")


def test_a_folder_is_unpacked_whole_once_and_never_over_another(folder_of, monkeypatch):
    photos = folder_of({"a": 3, "b": 3})
    (photos / "notes.md").write_text("not read by a run")
    monkeypatch.setattr(parcels, "MOST", 500)
    parcel = parcels.packed(photos, lambda piece: piece)
    assert max(len(piece.data) for piece in parcel.pieces) == 500
    before = {file: file.read_bytes() for file in photos.rglob("*.jpg")}
    shutil.rmtree(photos)
    parcels.place(parcel, lambda piece: piece)
    assert {file: file.read_bytes() for file in photos.rglob("*") if file.is_file()} == before
    parcels.place(parcel, lambda piece: pytest.fail("it is there"))
    next(iter(before)).unlink()
    with pytest.raises(InputError, match="other files lie in"):
        parcels.place(parcel, lambda piece: piece)
    shutil.rmtree(photos)
    with pytest.raises(InputError, match="is not what was sent"):
        parcels.place(parcel, lambda piece: piece._replace(data=piece.data[:-1] + b"x"))
    assert not photos.exists()


def test_a_run_that_comes_back_takes_the_place_of_one_that_is_kept(tmp_path, folder_of):
    photos = data.load(Data(path=folder_of({"a": 8, "b": 8}), valid_pct=0.5))
    run = fake_run(tmp_path / "a", photos)
    parcel = parcels.packed(run.path, lambda piece: piece.spans)
    (tmp_path / "node").mkdir()
    there = run.path.rename(tmp_path / "node" / "a")
    mine = parcels.listing(fake_run(tmp_path / "a", photos, seed=1).path)
    with pytest.raises(InputError, match="is not what was sent"):
        parcels.collect(parcel._replace(digests=("another",)), partial(parcels.read, there))
    assert parcels.listing(run.path) == mine
    parcels.collect(parcel, partial(parcels.read, there))
    parcels.collect(parcel, lambda spans: pytest.fail("it is there"))
    assert parcels.listing(run.path) == parcel.listing
    assert [path.name for path in tmp_path.glob("a.*")] == ["a.before-1"]


@pytest.mark.slow
@pytest.mark.filterwarnings("default")
def test_what_no_node_has_is_refused(asked, tmp_path, cluster):
    file = asked("a: {}")
    on = executor.executor(cluster.address, Jobs(gpus=8))
    with pytest.raises(InputError, match="asks for 1 CPU, 8 GPU, and no node has that: 1 CPU, 0 GPU"):
        table.run_rows(load(file), tmp_path, on=on)


@pytest.mark.slow
@pytest.mark.filterwarnings("default")
def test_a_killed_node_loses_nothing(asked, tmp_path, cluster):
    file = asked("a: {}", "b: {}", epochs=8)
    table.run_rows(load(file), tmp_path / "whole")

    def kill():
        for row in "ab":
            wait_for((tmp_path / "cut" / "t" / row / "checkpoints" / "last.pth").is_file)
        cluster.remove_node(cluster.second, allow_graceful=False)

    killer = threading.Thread(target=kill)
    killer.start()
    finished = table.run_rows(load(file), tmp_path / "cut", on=executor.executor(cluster.address, Jobs()))
    killer.join()
    assert type(print) is type(len)  # Ray tells of dead nodes by a `print` of its own
    cluster.second = cluster.add_node(num_cpus=1, object_store_memory=80_000_000)
    assert list(finished) == ["a", "b"]
    assert digests(tmp_path / "whole") == digests(tmp_path / "cut")


DRIVER = """
import sys
from pathlib import Path
from kimchi_vision.config import load
from kimchi_vision.jobs import executor, table

file, exports, address = sys.argv[1:]
table.run_rows(load(Path(file)), Path(exports), on=executor.executor(address, load(Path(file)).jobs))
"""


def begun(code: str, *words: object) -> subprocess.Popen:
    """A driver in a process of its own."""
    command = [sys.executable, "-W", "ignore", "-c", code, *map(str, words)]
    return subprocess.Popen(command, env={**os.environ, SET: "1"})


def workers() -> list[psutil.Process]:
    """Those of Ray that do a leaf."""
    every = psutil.process_iter(["cmdline"])
    return [one for one in every if "ray::done" in " ".join(one.info["cmdline"] or [])]


@pytest.mark.slow
@pytest.mark.filterwarnings("default")
def test_a_killed_worker_and_a_killed_driver_lose_nothing(asked, tmp_path, cluster):
    file = asked("a: {}", epochs=8)
    table.run_rows(load(file), tmp_path / "whole")
    last = tmp_path / "cut" / "t" / "a" / "checkpoints" / "last.pth"
    finished = tmp_path / "cut" / "t" / "a" / "finished.json"

    words = (DRIVER, file, tmp_path / "cut", cluster.address)
    driver = begun(*words)
    wait_for(last.is_file)
    driver.kill()
    driver.wait()
    wait_for(lambda: not workers())
    assert not finished.is_file()
    seen = last.stat().st_mtime_ns
    driver = begun(*words)
    wait_for(lambda: last.stat().st_mtime_ns != seen)
    for worker in workers():
        worker.kill()
    assert driver.wait(180) == 0
    assert finished.is_file()
    assert digests(tmp_path / "whole") == digests(tmp_path / "cut")
    assert json.loads(finished.read_text())["digest"]


SEARCH = """
import sys
from pathlib import Path
from kimchi_vision.config import load
from kimchi_vision.config.sections import Jobs
from kimchi_vision.jobs.executor import executor
from kimchi_vision.jobs.search import search

file, exports, address = sys.argv[1:]
[(experiment, _)] = load(Path(file)).rows[0].runs()
search(experiment, 600, Path(exports), trials=2, on=executor(address, Jobs()))
"""


@pytest.mark.slow
@pytest.mark.filterwarnings("default")
def test_a_search_whose_driver_is_killed_and_then_a_node_ends_as_the_serial_one(asked, tmp_path, cluster):
    """Both trials are on their way each time; the same command goes on with them in their run folders."""
    file = asked("a: {}", epochs=6)
    words = (SEARCH, file, tmp_path / "cut", cluster.address)
    folder = tmp_path / "cut" / "a-search"
    last = [folder / name / "checkpoints" / "last.pth" for name in ("trial-000", "trial-001")]
    driver = begun(*words)
    wait_for(lambda: all(file.is_file() for file in last))
    driver.kill()
    driver.wait()
    wait_for(lambda: not workers())
    assert not list(folder.glob("*/finished.json"))
    seen = [file.stat().st_mtime_ns for file in last]
    driver = begun(*words)
    wait_for(lambda: not {file.stat().st_mtime_ns for file in last} & set(seen))
    cluster.remove_node(cluster.second, allow_graceful=False)
    assert driver.wait(240) == 0
    cluster.second = cluster.add_node(num_cpus=1, object_store_memory=80_000_000)
    [(experiment, _)] = load(file).rows[0].runs()
    serial = search(experiment, 600, tmp_path / "serial", trials=2).trials
    cut = pd.read_csv(folder / "trials.csv").query("state == 'COMPLETE'")
    columns = ["value", "params_rate", "params_mult", "user_attrs_accuracy"]
    assert cut[columns].to_numpy() == pytest.approx(serial[columns].to_numpy(float), rel=1e-12)
    assert digests(tmp_path / "serial") == digests(tmp_path / "cut")
