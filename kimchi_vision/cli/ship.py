"""Commands that use a finished run: predict, export, serve."""

from __future__ import annotations

import ipaddress
import json
import os
import shlex
import stat
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, TextIO, TypeVar

import typer
from typer import Argument, Option

from kimchi_vision.base.errors import InputError
from kimchi_vision.base.messages import say
from kimchi_vision.base.numbers import percent
from kimchi_vision.base.progress import bar
from kimchi_vision.base.sentence import Sentence, Sentences
from kimchi_vision.cli.options import RunFolder

if TYPE_CHECKING:
    from fastapi import FastAPI

    from kimchi_vision.deploy.predictor import Prediction
    from kimchi_vision.deploy.server import Access

app = typer.Typer()
T = TypeVar("T")


@app.command()
def predict(
    run: Annotated[Path, Argument(help="A run folder, or a model.onnx.")],
    photos: Annotated[list[Path], Argument(help="Photos, or folders of them.")],
    top: Annotated[int, Option(min=1, help="How many classes to print.")] = 5,
    share: Annotated[
        float | None,
        Option("--set", help="0.8, 0.9, 0.95 or 0.99: all classes that hold the right one so often."),
    ] = None,
    as_json: Annotated[bool, Option("--json", help="Print JSON.")] = False,
    as_csv: Annotated[bool, Option("--csv", help="Print CSV.")] = False,
    runtime: Annotated[Literal["onnxruntime", "openvino"], Option(help="What answers.")] = "onnxruntime",
) -> None:
    """Say what is on photos, with calibrated probabilities of the model of a run. Needs no torch."""
    from kimchi_vision.deploy.predictor import Predictor, find_photos

    if as_json and as_csv:
        raise InputError("Give --json or --csv, not both.")
    found = find_photos(photos)
    if runtime == "openvino" and (ratio := _times_faster(run)):
        print(say("openvino_faster", ratio=ratio), file=sys.stderr)
    answers = counted(Predictor(run, runtime=runtime).stream(found, top, share), len(found))
    show = _print_json if as_json else _print_csv if as_csv else _print_text
    unread = [
        Sentence("{photo} cannot be read as a photo: {error}", photo=answer.photo, error=answer.error)
        for answer in show(answers)
        if answer.error
    ]
    if unread:
        raise InputError("{unread}", unread=Sentences(unread))


@app.command("export")
def export_command(
    run: RunFolder,
    formats: Annotated[
        str | None,
        Option(
            "--format",
            help="onnx, safetensors, torch, pkl, int8, bf16, fp16, openvino, coreml, litert; with commas.",
        ),
    ] = None,
    space: Annotated[Path | None, Option(help="Write a Hugging Face Space into this folder.")] = None,
    docker: Annotated[Path | None, Option(help="Write a folder for docker build.")] = None,
    web: Annotated[Path | None, Option(help="Write a page that runs in browsers, offline, too.")] = None,
    trust: Annotated[bool, Option(help="Load a model.pkl from elsewhere: it is a program.")] = False,
) -> None:
    """Write model files of a finished run, each proven on its validation photos."""
    from kimchi_vision.deploy.export import again, folder
    from kimchi_vision.results.run import Run

    source = Run.open(run)
    folders = {"space": space, "docker": docker, "web": web}
    if formats or not any(folders.values()):
        names = [name.strip() for name in (formats or "onnx").split(",")]
        for file in again(source, names, trust):
            print(file)
    for kind, path in folders.items():
        if path:
            print(folder(source, path, kind))
    if web:
        show = shlex.join(["python", "-m", "http.server", "--bind", "127.0.0.1", "--directory", str(web)])
        print(say("web_shown", command=show))


@app.command()
def serve(
    runs: Annotated[list[Path], Argument(help="Run folders, or model.onnx files.")],
    host: Annotated[str, Option(help="0.0.0.0 lets other machines in, with --token.")] = "127.0.0.1",
    port: Annotated[int, Option(min=1, max=65535)] = 8000,
    token: Annotated[
        str | None, Option(envvar="KIMCHI_TOKEN", help="What every request must bring; `none`: all may ask.")
    ] = None,
    host_name: Annotated[
        list[str] | None, Option(help="A name under which browsers ask this server.")
    ] = None,
    behind_proxy: Annotated[
        str | None, Option(metavar="ADDRESS", help="A reverse proxy that says who asks.")
    ] = None,
    collect: Annotated[Path | None, Option(help="Keep uploads and answers in this folder.")] = None,
    collect_megabytes: Annotated[float, Option(min=1, help="Room for those.")] = 1000,
    megabytes: Annotated[float, Option(min=0.1, help="Largest upload.")] = 20,
    per_minute: Annotated[int, Option(min=1, help="Requests that one address may send.")] = 600,
) -> None:
    """Answer photos over HTTP: a page for people at /, a JSON API described at /docs."""
    from kimchi_vision.deploy.server import Collection, Limits, build

    allowed = access(host, token, host_name or ())
    collection = Collection(collect, collect_megabytes) if collect else None
    limits = Limits(megabytes=megabytes, per_minute=per_minute)
    answer(build(runs, limits, collection, allowed), host, port, allowed, proxy=behind_proxy)


def access(host: str, token: str | None, names: Iterable[str] = ()) -> Access:
    """Who may ask a server. Raises InputError when all could, and nobody said that they may."""
    from kimchi_vision.deploy.server import Access

    if not token and not _is_loopback(host):
        raise InputError(
            "--host {host} lets other machines in. Give --token SECRET, which they must know, "
            "or --token none where everybody may ask.",
            host=host,
        )
    return Access(tuple(names), None if token in (None, "", "none") else token)


def answer(
    application: FastAPI, host: str, port: int, allowed: Access, page: str = "", proxy: str | None = None
) -> None:
    """Serve until Ctrl-C, and say where. page: the path of the page for people."""
    from kimchi_vision.base.allocator import give_back
    from kimchi_vision.deploy.server import listen

    give_back()  # large photos go back to the system as soon as they are answered
    asks = f"{page or '/'}?token={allowed.token}" if allowed.token else page
    place = f"[{host}]" if ":" in host else host  # an IPv6 address
    print(say("serving_at", address=f"http://{place}:{port}{asks}"), file=sys.stderr)
    listen(application, host, port, proxy)


def _times_faster(run: Path) -> str | None:
    """How many times as fast as onnxruntime OpenVINO was when its file was written."""
    from kimchi_vision.results.run import Run

    opened = Run(run)
    ratio = opened.exported.get(opened.files.openvino.name, {}).get("times_faster")
    return f"{ratio:.2g}" if ratio else None


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def counted(answers: Iterable[T], count: int) -> Iterable[T]:
    """With a progress bar on the terminal, when there is something to wait for."""
    return answers if count == 1 else bar(answers, "Predicting", count)


def _print_text(answers: Iterable[Prediction]) -> Iterator[Prediction]:
    for answer in answers:
        if not answer.error:
            shares = "  ".join(f"{label} {percent(probability)}" for label, probability in answer.classes)
            print(f"{answer.photo}: {answer.label or say('below_threshold')}\n    {shares}")
        yield answer


def _print_json(answers: Iterable[Prediction]) -> list[Prediction]:
    kept = list(answers)
    plain = [
        {"photo": answer.photo, "label": answer.label, "classes": dict(answer.classes), "error": answer.error}
        for answer in kept
    ]
    print(json.dumps(plain, ensure_ascii=False, indent=2))
    return kept


def _print_csv(answers: Iterable[Prediction]) -> Iterator[Prediction]:
    import csv

    if _goes_to_a_new_file(sys.stdout):
        sys.stdout.write("\ufeff")  # as base.files.TABLE_ENCODING has it; programs in a pipe want none
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(["photo", "rank", "label", "probability", "known"])
    for answer in answers:
        writer.writerows([answer.photo, k, *pair, answer.known] for k, pair in enumerate(answer.classes, 1))
        yield answer


def _goes_to_a_new_file(stream: TextIO) -> bool:
    """Whether what is printed is kept, as with `predict --csv > answers.csv`."""
    try:
        return stat.S_ISREG(os.fstat(stream.fileno()).st_mode) and stream.tell() == 0
    except OSError:
        return False  # a stream that is no file at all
