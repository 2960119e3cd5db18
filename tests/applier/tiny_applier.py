"""The Applier over the tiny random model."""

from pathlib import Path

from applier import Applier
from applier.engine.engine import Engine
from applier.merge import confidence as head_start
from applier.merge.confidence import HeadStart
from applier.merge.model_info import ModelInfo
from applier.merge.prompt import PromptTemplate
from applier.merge.result import DecodeOptions
from kernels.config import NUMERICS_VERSION
from tests.applier.tiny import codec
from tests.applier.tiny_model import model

# With this bias the random model writes the alignment's proposal, through all of the model tier.
ENDLESS = head_start.ENDLESS.bias


def tiny_applier(options: DecodeOptions | None = None, threshold: float = 0.5, bias: float = 0.0) -> Applier:
    info = ModelInfo(
        folder=Path(),
        weights_sha256=model().weights_sha256,
        tokenizer_sha256=codec().sha256,
        numerics_version=NUMERICS_VERSION,
        threshold=threshold,
        template=PromptTemplate(),
        calibration=None,
        head_start=HeadStart(bias),
    )
    return Applier.from_engine(info, Engine(model(), codec(), options, HeadStart(bias)))
