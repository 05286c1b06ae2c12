"""Sections about what a run tells: scores, goals, report, files, and trackers that are told, too."""

from typing import Annotated, Literal

from pydantic import ConfigDict, Field

from kimchi_vision.config.base import Probability, Section


class Evaluate(Section):
    """What is computed from the predictions."""

    top_k: int = Field(5, ge=1, description="a photo counts when its class is among the k most probable")
    top_losses: int = Field(9, ge=1, description="photos shown")
    test: bool = Field(
        True,
        description="score the test part when the run ends, as the first number of its report; false: when "
        "`evaluate --test` asks for it",
    )
    folds: int | None = Field(
        None,
        ge=2,
        description="for photos too few for a test part: so many more models are trained, and each photo is "
        "answered by one that has not seen it: the first number of the report, and what it says of mistakes. "
        "None of them is exported",
    )
    tta: int = Field(
        0,
        ge=0,
        description="varied views of each photo that fastai's Learner.tta averages with the plain one, a "
        "quarter of the weight; a score beside the others: predictions, calibration and exported files stay "
        "those of the plain view. 0: none",
    )


class Calibrate(Section):
    """What probabilities are worth, and when the model says that it does not know."""

    bins: int = Field(15, ge=2, le=100, description="bins of the reliability diagram, of equal width")
    abstain_at: Annotated[float, Field(gt=0, lt=1)] | None = Field(
        None,
        description="at most this share of the answers to fresh photos is wrong; the least sure photos are "
        "left unanswered, and where these photos cannot promise it, all are answered",
    )


class Explain(Section):
    """Where the network looks, and whether backgrounds decide."""

    top_losses: bool = Field(True, description="draw it on the photos of the top losses (Grad-CAM)")
    background: int = Field(
        100, ge=0, description="validation photos whose backgrounds are hidden and swapped; 0 skips it"
    )


class Goals(Section):
    """What the model has to reach to be used: `fps`, and any score by its name, such as `accuracy: 0.95`."""

    model_config = ConfigDict(frozen=True, extra="allow")
    __pydantic_extra__: dict[str, float]

    accuracy: Probability | None = Field(None, description="share of photos that must be right")
    fps: float | None = Field(None, gt=0, description="photos a second, one after the other")

    @property
    def wanted(self) -> dict[str, float]:
        """The goals that are set, by name."""
        return self.model_dump(exclude_none=True)


class Report(Section):
    """The page about the run."""

    lang: Literal["auto", "ko", "en"] = Field("auto", description="auto takes the language of the system")


class Export(Section):
    """Files that leave the run."""

    pkl: bool = Field(True, description="model.pkl, for fastai's load_learner")
    weights: bool = Field(True, description="weights.pth, the state dict alone")
    onnx: bool = Field(True, description="model.onnx, for onnxruntime; what `predict` and `serve` use")
    safetensors: bool = Field(True, description="model.safetensors, the state dict without a program in it")
    int8: bool = Field(False, description="model.int8.onnx, a quarter of the size, and the accuracy it loses")
    bf16: bool = Field(False, description="model.bf16.onnx, half the size, and the accuracy it loses")
    fp16: bool = Field(False, description="model.fp16.onnx, half the size, and the accuracy it loses")
    timings: bool = Field(True, description="measure speed and memory of model.onnx here, for seconds")


class Track(Section):
    """Trackers that a run tells about itself. A plain list is short for `{to: [...]}`."""

    short = (list, "to")

    to: tuple[Literal["tensorboard", "wandb", "mlflow"], ...] = Field(
        (), description="each needs the extra of its name; one that fails never stops a run"
    )
    project: str = Field("kimchi_vision", min_length=1, description="W&B's project, MLflow's experiment")
