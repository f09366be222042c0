"""The simulation behind deploy/planning.md."""

import math
import re
import shlex
from dataclasses import replace

import pytest

from tests.bench.capacity import Costs, lateness_ms, main, needs, streams_of_a_process
from tests.nginx import CONFIGURATION


def test_the_table_that_is_shown_is_what_its_command_prints(capsys: pytest.CaptureFixture[str]) -> None:
    text = (CONFIGURATION.parent / "deploy" / "planning.md").read_text()
    command = re.search(r"python -m tests\.bench\.capacity (.*)", text)
    assert command
    assert main(shlex.split(command[1])) == 0
    assert capsys.readouterr().out in text


def test_deltas_wait_where_the_core_is_full_and_nowhere_else() -> None:
    costs = Costs(delta_us=100, start_ms=0)  # of 200 streams with 50 a second each, it can serve all
    assert lateness_ms(20, costs) < 1
    assert lateness_ms(100, costs) < lateness_ms(180, costs) < lateness_ms(240, costs)
    assert lateness_ms(240, costs) > costs.late_ms


def test_a_process_carries_what_the_free_part_of_its_core_or_lateness_allows() -> None:
    costs = Costs(delta_us=100, start_ms=0)
    assert streams_of_a_process(replace(costs, headroom=0.3)) == 140
    tight = streams_of_a_process(replace(costs, headroom=0, late_ms=1))
    assert 100 < tight < 200
    assert streams_of_a_process(replace(costs, delta_us=50)) == 280


def test_needs_grow_with_streams_and_round_up() -> None:
    costs = Costs()
    few, many = (needs(streams, costs, 100) for streams in (1, 100_001))
    assert few["gateways (cores)"] == "1"
    assert many["gateways (cores)"] == f"{math.ceil(100_001 / 100):,}"
    assert many["connections to Claude"] == "100,001"
    assert many["files of a gateway"] == "300"


def test_longer_answers_keep_as_much_for_replay_as_more_short_ones() -> None:
    short = Costs(answer_s=20, max_log_mib=1e9)
    long = replace(short, answer_s=40)
    assert needs(1000, long, 100)["memory, gateways GiB"] == needs(1000, short, 100)["memory, gateways GiB"]


WRONG = [
    ["--streams", "0"],
    ["--headroom", "1"],
    ["--deltas-s", "0"],
    ["--answer-s", "0"],
    ["--delta-us", "0"],
    ["--log-kib", "-1"],
]


@pytest.mark.parametrize("wrong", WRONG)
def test_assumptions_that_mean_nothing_are_refused(wrong: list[str]) -> None:
    with pytest.raises(SystemExit):
        main(wrong)
