"""card.md: what a model was trained on, how it scores, what it confuses, and what it may be used for."""

import re
from collections.abc import Sequence

from jinja2 import Environment, PackageLoader, StrictUndefined

from kimchi_vision.base.messages import catalogue, language
from kimchi_vision.base.numbers import percent
from kimchi_vision.base.plain import Json
from kimchi_vision.base.sentence import Sentence
from kimchi_vision.deploy.export import learner
from kimchi_vision.deploy.runtime import Classifier
from kimchi_vision.results import headline
from kimchi_vision.results.run import Run


def text(run: Run, space: bool = False) -> str:
    """The card of a finished run, Markdown in the form of Hugging Face's model cards.

    space: with the settings of a Space in front. Raises InputError when the folder lacks a file.
    Source of the sections: Mitchell et al., Model Cards for Model Reporting, 2019.
    """
    # Not HTML: what matters is that a class name is no Markdown, see _plain.
    page = Environment(loader=PackageLoader("kimchi_vision.deploy.export"), undefined=StrictUndefined)
    page.filters |= {"text": _plain, "share": percent, "interval": _interval}
    run = Run(run.path)  # what is on the disk by now
    say = catalogue(language(run.experiment.report.lang))
    experiment, pkl = run.experiment, run.exported.get(run.files.pkl.name, {})
    names, weights = experiment.model.backbone.split("+"), experiment.model.weights
    licences = [_licence(name, weights).said(say) for name in names]
    return page.get_template("card.md").render(
        name=run.name,
        space=space,
        classes=run.vocab,
        metrics={"most_confused": [], **run.mistakes},
        scores=list(run.scored(run.mistakes["split"]).values()),
        over=headline.over(run, say),
        headline=headline.sentences(run, say),
        say=say,
        trained=int((run.items["split"] == "train").sum()),
        experiment=experiment,
        facts=Classifier(run.files.onnx).facts,
        proof=run.exported.get(run.files.onnx.name),
        others=_others(run),
        bound=learner.bound(pkl["holds"], pkl["python"]).said(say) if "holds" in pkl else None,
        smaller={name: proof for name, proof in run.exported.items() if "accuracy_lost" in proof},
        licence=" ".join(dict.fromkeys(licences)),
    )


def _others(run: Run) -> dict[str, Json]:
    """Runtime → what export.json says of its file; those that are there."""
    named = {"OpenVINO": run.files.openvino, "LiteRT": run.files.litert, "Core ML": run.files.coreml}
    proofs = {kind: {"file": file.name, **run.exported.get(file.name, {})} for kind, file in named.items()}
    return {kind: proof for kind, proof in proofs.items() if "bytes" in proof}


def _licence(backbone: str, weights: str) -> Sentence:
    if weights == "none":
        return Sentence("The network was trained from random weights.")
    if weights not in ("default", "offline"):
        return Sentence(
            "The network started from a file of weights whose licence this program does not know."
        )
    import timm
    import torchvision

    if weights == "default" and backbone in torchvision.models.list_models():
        return Sentence(
            "The network started from torchvision's weights (BSD-3-Clause), trained on ImageNet-1k, whose "
            "photos are for non-commercial research."
        )
    found = timm.models.get_pretrained_cfg(backbone)
    named = getattr(found, "license", None) or Sentence("see its page in timm")
    started = "The network started from weights of timm's {backbone} (licence: {licence})."
    return Sentence(started, backbone=backbone, licence=named)


def _plain(name: object) -> str:
    """Text that is neither Markdown nor HTML, on one line."""
    return re.sub(r"([\\`*_{}\[\]<>#|&~])", r"\\\1", " ".join(str(name).split()))


def _interval(ends: Sequence[float] | None) -> str:
    return f" [{100 * ends[0]:.1f}, {100 * ends[1]:.1f}]" if ends else ""
