"""The audit as one HTML page that opens offline, with thumbnails inside."""

from pathlib import Path

from kimchi_vision.base.files import write_text
from kimchi_vision.base.messages import catalogue, language
from kimchi_vision.base.pages import render
from kimchi_vision.base.plain import Json
from kimchi_vision.data import images
from kimchi_vision.data.audit import Audit

SHOWN = 24
"""Most groups of photos shown under a finding; the page says how many more there are."""
_SIDE, _SAMPLES = 112, 8


def write(audit: Audit, file: Path, lang: str = "auto", photo_map: Json | None = None) -> None:
    """Write counts and samples of each class, and every finding with its photos. lang: ko, en or auto.

    photo_map: cells, points and classes, as figures.js and photo_map.html have them.
    """
    chosen = language(lang)
    photos = audit.photos
    classes = [
        {
            "name": name,
            "count": len(rows),
            "width": int(rows["width"].median()),
            "height": int(rows["height"].median()),
            "samples": rows["path"].iloc[:: max(1, len(rows) // _SAMPLES)].head(_SAMPLES).tolist(),
        }
        for name, rows in photos[photos["problem"] == ""].groupby("label")
    ]
    say = catalogue(chosen)
    troubled = photos[photos["problem"] != ""].set_index("path")["problem"]
    text = render(
        "kimchi_vision.data",
        "page.html",
        chosen,
        name=say("audit_title", root=audit.root.resolve().name),
        photos=len(photos),
        megabytes=photos["bytes"].sum() / 1e6,
        classes=classes,
        most=max((each["count"] for each in classes), default=1),
        findings=audit.findings,
        shown=SHOWN,
        reasons={path: say("{reason}", reason=problem) for path, problem in troubled.items()},
        picture=lambda path: images.photo(audit.root / path, _SIDE),
        map=photo_map,
    )
    write_text(file, text)
