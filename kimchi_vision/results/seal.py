"""Whether the files of a run folder are what the run wrote: their hashes, noted as it wrote them."""

import json
from pathlib import Path

from kimchi_vision.base.files import sha256_of, write_json
from kimchi_vision.base.plain import Json
from kimchi_vision.base.run_files import RunFiles


def damaged(files: RunFiles) -> list[str]:
    """Names of files that are gone, or not those of the run's end; exported ones may be gone."""
    hashes, sealed = _hashes(files), _sealed(files)
    gone = [name for name in hashes if name in sealed and not (files.path / name).is_file()]
    there = {name: file for name in hashes if (file := files.path / name).is_file()}
    return gone + [name for name, file in there.items() if sha256_of(file) != hashes[name]]


def is_other(files: RunFiles, file: Path) -> bool:
    """Whether one of the folder's files is not what the run left at its end."""
    known = _hashes(files)
    return file.name in known and sha256_of(file) != known[file.name]


def renew(files: RunFiles, file: Path) -> None:
    """Note a file of a finished run that was written again on purpose."""
    if sealed := _sealed(files):
        noted = _noted(files.finished)
        write_json(files.finished, {**noted, "files": {**sealed, file.name: sha256_of(file)}})


def _hashes(files: RunFiles) -> dict[str, str]:
    """File name → sha256: of exported files when they were written, of others at the run's end."""
    proofs = _noted(files.export)
    exported = {name: proof.get("sha256") for name, proof in proofs.items() if isinstance(proof, dict)}
    return {name: known for name, known in exported.items() if known} | _sealed(files)


def _sealed(files: RunFiles) -> dict[str, str]:
    """Those of the run's end; none while it goes on."""
    found = _noted(files.finished).get("files")
    return found if isinstance(found, dict) else {}


def _noted(file: Path) -> Json:
    """What a JSON file says, or nothing: it may be missing, damaged, or of before this was noted."""
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}
