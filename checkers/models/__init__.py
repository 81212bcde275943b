"""Sequential models: what a correct object does when operations come one at a time."""

from __future__ import annotations

from splitbrain.checkers.models.bank import Bank, OverdraftBank
from splitbrain.checkers.models.base import (
    ILLEGAL,
    NOTHING,
    Access,
    Call,
    Model,
    ModelError,
    ModelMismatch,
)
from splitbrain.checkers.models.choice import BUILT_IN, choose, fitting
from splitbrain.checkers.models.counter import Counter
from splitbrain.checkers.models.kv import Kv
from splitbrain.checkers.models.locks import FencedLock, Mutex, OwnedMutex, ReentrantLock
from splitbrain.checkers.models.queues import FifoQueue, PriorityQueue, Queue, Stack
from splitbrain.checkers.models.register import CasRegister, MultiRegister, Register
from splitbrain.checkers.models.sets import GrowSet, Set, SetFull
from splitbrain.checkers.models.transactions import ListAppend, RwRegister

__all__ = [
    "BUILT_IN",
    "ILLEGAL",
    "NOTHING",
    "Access",
    "Bank",
    "Call",
    "CasRegister",
    "Counter",
    "FencedLock",
    "FifoQueue",
    "GrowSet",
    "Kv",
    "ListAppend",
    "Model",
    "ModelError",
    "ModelMismatch",
    "MultiRegister",
    "Mutex",
    "OverdraftBank",
    "OwnedMutex",
    "PriorityQueue",
    "Queue",
    "ReentrantLock",
    "Register",
    "RwRegister",
    "Set",
    "SetFull",
    "Stack",
    "choose",
    "fitting",
]
