"""Sequential models: what a correct object does when operations come one at a time."""

from __future__ import annotations

from splitbrain.checkers.models.base import (
    ILLEGAL,
    NOTHING,
    Access,
    Call,
    Model,
    ModelError,
    ModelMismatch,
)
from splitbrain.checkers.models.kv import Kv
from splitbrain.checkers.models.register import CasRegister, MultiRegister, Register

BUILT_IN: tuple[type[Model], ...] = (Register, CasRegister, Kv, MultiRegister)
"""The project's own models, the most specific first: who fits is reported in this order."""

__all__ = [
    "BUILT_IN",
    "ILLEGAL",
    "NOTHING",
    "Access",
    "Call",
    "CasRegister",
    "Kv",
    "Model",
    "ModelError",
    "ModelMismatch",
    "MultiRegister",
    "Register",
]
