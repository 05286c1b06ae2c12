"""What the exported model takes on this machine, measured in a process of its own."""

import json
import logging
import os
import subprocess
import sys

import numpy as np

from kimchi_vision.base import threads
from kimchi_vision.base.child import last_line
from kimchi_vision.base.environment import versions
from kimchi_vision.base.files import write_json
from kimchi_vision.base.plain import Json
from kimchi_vision.base.run_files import RunFiles
from kimchi_vision.data.photo import Photos
from kimchi_vision.results.run import Run

log = logging.getLogger(__name__)

PHOTOS = 128
"""Validation photos that are measured on, at most."""


def write(photos: Photos, files: RunFiles) -> None:
    """Add latency_ms, photos_per_second, peak_memory_mb and machine to metrics.json.

    A run without model.onnx has no such numbers; a measurement that fails is said, and the run goes on.
    """
    if not files.onnx.is_file():
        return
    valid = photos.part("valid")
    some = valid.iloc[np.unique(np.linspace(0, len(valid) - 1, PHOTOS).astype(int))]
    command = [sys.executable, "-m", "kimchi_vision.deploy.runtime.speed", str(files.onnx)]
    asked = json.dumps([[str(photo.path), photo.box] for photo in photos.files(some)])
    environment = {**os.environ, threads.SET: str(threads.share())}
    done = subprocess.run(command, input=asked, capture_output=True, text=True, env=environment, check=False)
    if done.returncode:
        reason = last_line(done.stderr)
        log.error("The speed of %s was not measured: %s", files.onnx, reason)
        return
    measured: Json = json.loads(done.stdout)
    here = versions()
    machine = {name: here[name] for name in ("processor", "cores", "threads", "system")}
    write_json(files.metrics, {**Run(files.path).metrics, **measured, "machine": machine})
