"""A run with what a notebook asks of it beyond its folder: a look, fastai's Learner, its interpretation."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kimchi_vision.base.errors import InputError
from kimchi_vision.results import report
from kimchi_vision.results import run as opened

if TYPE_CHECKING:
    from fastai.interpret import ClassificationInterpretation
    from fastai.learner import Learner


class Run(opened.Run):
    """A run folder, opened; see results.run.Run."""

    def _repr_html_(self) -> str:
        return report.notebook(self)

    def learner(self) -> Learner:
        """fastai's Learner with this run's DataLoaders and trained weights, which are read without a pickle.

        What its `export` writes loads where this package is not, as model.pkl does.
        Raises InputError when model.safetensors or the photos are missing, or its Learner was one's own.
        """
        from kimchi_vision.deploy.export.learner import portable
        from kimchi_vision.jobs import seeing
        from kimchi_vision.jobs.prepared import prepare
        from kimchi_vision.learning import model, train

        if "learner" in self.json_if(self.files.own_parts):
            raise InputError(
                "{run} was trained with a Learner given from Python: make it anew, and load {file} into it.",
                run=self.path,
                file=self.files.safetensors,
            )
        tensors = model.read_tensors(seeing.weights(self))
        missing = [file for file in self.photos.files(self.items) if not file.path.is_file()]
        if missing:
            raise InputError(
                "{file} is missing, and {more} more {more:photo/photos} of this run.",
                file=missing[0],
                more=len(missing) - 1,
            )
        experiment = self.experiment.replace(model={"weights": "none"}, recipe=None, budget=None)
        prepared = prepare(experiment, self.photos)
        train.seed(experiment.train)
        learn = prepared.learner(prepared.dataloaders(), self.path)
        learn.model.load_state_dict(tensors)
        learn.temperature = self.calibration.get("temperature", 1.0)
        return portable(learn)

    def interpretation(self) -> ClassificationInterpretation:
        """fastai's ClassificationInterpretation over the validation photos; its figures show Hangul, too."""
        from fastai.interpret import ClassificationInterpretation

        from kimchi_vision.results.plots import hangul

        learn = self.learner()
        with learn.no_bar():
            found = ClassificationInterpretation.from_learner(learn)
        found.plot_confusion_matrix = hangul()(found.plot_confusion_matrix)
        found.plot_top_losses = hangul()(found.plot_top_losses)
        return found
