"""The seeds of the fuzzers, and whatever they have found, run in every test run."""

from __future__ import annotations

import functools
import random
from pathlib import Path

import pytest

from tests.fuzz import control_targets
from tests.fuzz.targets import TARGETS
from tests.support.mutation import spoilt_bytes

SEEDS = sorted(path for path in Path(__file__).with_name("corpus").rglob("*") if path.is_file())
ROUNDS = 150
"""Spoilt inputs of each kind in a run of the tests; the same ones each time, but for keys."""

made = functools.cache(control_targets.seeds)


@pytest.mark.parametrize("seed", SEEDS, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_what_fuzzers_begin_with_or_have_found_is_handled(seed):
    TARGETS[seed.parent.name](seed.read_bytes())


def test_every_target_has_seeds():
    assert {seed.parent.name for seed in SEEDS} | set(made()) == set(TARGETS)


@pytest.mark.parametrize("target", ["certificate", "text"])
def test_a_spoilt_certificate_is_refused_or_can_be_loaded_by_a_worker(target):
    chance = random.Random(target)
    for _ in range(ROUNDS):
        TARGETS[target](spoilt_bytes(chance.choice(made()[target]), chance))


def test_spoilt_objects_are_errors_of_their_own():
    for number in range(ROUNDS):
        TARGETS["objects"](b"%d" % number)
