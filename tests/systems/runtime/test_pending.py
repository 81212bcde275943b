"""Unsynced bytes: what survives a kill, what survives a power cut, and that doing it twice is harmless."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from splitbrain.systems.runtime.log import DiskError, Log, record_line, recover
from splitbrain.systems.runtime.pending import Outcome, cut, materialise

SYNCED = ["s1", {"s": 2}]
UNSYNCED = [{"type": "write", "key": "x", "value": number} for number in range(5)]


def write(directory, synced=SYNCED, unsynced=UNSYNCED):
    """Write a log as a node does that dies before its last sync."""
    log = Log(directory)
    for record in synced:
        log.append(record)
    log.sync()
    for record in unsynced:
        log.append(record)
    log.close()


def lines(records):
    return b"".join(map(record_line, records))


def test_unsynced_records_are_not_in_the_log_file(tmp_path):
    write(tmp_path)
    assert recover(tmp_path / "log").records == SYNCED


def test_a_kill_keeps_every_unsynced_record(tmp_path):
    write(tmp_path)
    assert materialise(tmp_path) == len(lines(UNSYNCED))
    assert recover(tmp_path / "log").records == SYNCED + UNSYNCED


def test_a_node_that_starts_again_by_itself_keeps_them_too(tmp_path):
    write(tmp_path)
    log = Log(tmp_path)
    assert log.recovered.records == SYNCED + UNSYNCED
    log.close()


def test_materialising_twice_writes_once(tmp_path):
    write(tmp_path)
    materialise(tmp_path)
    assert materialise(tmp_path) == 0
    assert recover(tmp_path / "log").records == SYNCED + UNSYNCED


def test_a_cut_after_a_cut_changes_nothing(tmp_path):
    write(tmp_path)
    cut(tmp_path, 1)
    before = (tmp_path / "log").read_bytes()
    assert cut(tmp_path, 2) == Outcome(0, 0, torn=False)
    assert (tmp_path / "log").read_bytes() == before


def test_a_directory_in_which_no_node_lived_has_nothing_to_lose(tmp_path):
    assert materialise(tmp_path) == 0
    assert cut(tmp_path, 1) == Outcome(0, 0, torn=False)


@pytest.mark.parametrize("tear", [None, True, False])
def test_a_cut_keeps_the_synced_records_and_a_prefix_of_the_rest(tmp_path, tear):
    whole = lines(SYNCED) + lines(UNSYNCED)
    lengths = set()
    for seed in range(60):
        directory = tmp_path / str(seed)
        directory.mkdir()
        write(directory)
        outcome = cut(directory, seed, tear)
        data = (directory / "log").read_bytes()
        assert data == whole[: len(lines(SYNCED)) + outcome.kept]
        assert outcome.unsynced == len(lines(UNSYNCED))
        assert outcome.torn is (not data.endswith(b"\n"))
        if tear is not None:
            assert outcome.torn is tear
        lengths.add(outcome.kept)
    # Different seeds end in different places, and among whole records at all there are.
    assert len(lengths) > 20 if tear is not False else len(lengths) == len(UNSYNCED) + 1


def test_the_same_seed_cuts_at_the_same_byte(tmp_path):
    outcomes = []
    for name in "ab":
        (tmp_path / name).mkdir()
        write(tmp_path / name)
        outcomes.append(cut(tmp_path / name, 42))
    assert outcomes[0] == outcomes[1]


def test_a_tear_ends_inside_the_json_behind_the_checksum_and_recovery_hands_on_its_text(tmp_path):
    for seed in range(60):
        directory = tmp_path / str(seed)
        directory.mkdir()
        write(directory)
        cut(directory, seed, tear=True)
        recovered = recover(directory / "log")
        next_record = UNSYNCED[len(recovered.records) - len(SYNCED)]
        text = json.dumps(next_record, separators=(",", ":"))
        assert recovered.torn
        assert text.startswith(recovered.torn)
        assert len(recovered.torn) < len(text)


def test_a_sync_that_a_kill_interrupted_is_done_again_and_not_twice(tmp_path):
    """The file may hold any part of the waiting bytes; the mapping still vouches for all of them."""
    for part in range(0, len(lines(UNSYNCED)), 7):
        directory = tmp_path / str(part)
        directory.mkdir()
        write(directory)
        with (directory / "log").open("ab") as log:
            log.write(lines(UNSYNCED)[:part])
        materialise(directory)
        assert recover(directory / "log").records == SYNCED + UNSYNCED


def test_a_power_cut_takes_back_a_sync_that_had_not_finished(tmp_path):
    write(tmp_path)
    with (tmp_path / "log").open("ab") as log:
        log.write(lines(UNSYNCED))
    outcome = cut(tmp_path, 3, tear=True)
    assert len((tmp_path / "log").read_bytes()) == len(lines(SYNCED)) + outcome.kept


def test_records_larger_than_the_mapping_make_it_grow(tmp_path):
    large = ["x" * 700_000, "y" * 3_000_000, "z"]
    write(tmp_path, unsynced=large)
    materialise(tmp_path)
    assert recover(tmp_path / "log").records == SYNCED + large


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)


@settings(max_examples=60, deadline=None)
@given(records=st.lists(JSON, max_size=5), keep=st.integers(0, 10_000))
def test_any_prefix_of_a_log_recovers_to_a_prefix_of_its_records(tmp_path_factory, records, keep):
    path = tmp_path_factory.mktemp("prefix") / "log"
    data = lines(records)[:keep]
    path.write_bytes(data)
    recovered = recover(path)
    assert recovered.records == records[: len(recovered.records)]
    assert recovered.size == len(lines(recovered.records))
    assert (recovered.torn is not None) is (recovered.size < len(data))


def test_recovery_truncates_a_torn_tail_so_that_new_records_follow_whole_ones(tmp_path):
    write(tmp_path)
    cut(tmp_path, 5, tear=True)
    log = Log(tmp_path)
    kept = list(log.recovered.records)
    log.append("new")
    log.sync()
    log.close()
    assert recover(tmp_path / "log").records == [*kept, "new"]


@pytest.mark.parametrize("position", [0, 3, 9, 12])
def test_a_flipped_bit_before_the_last_record_refuses_to_start(tmp_path, position):
    data = bytearray(lines(["one", "two", "three"]))
    data[position] ^= 1
    (tmp_path / "log").write_bytes(data)
    with pytest.raises(
        DiskError, match=r"Record 1 of the log .*/log \(at byte 0\) is corrupt, not the last one"
    ):
        Log(tmp_path)


def test_a_flipped_bit_in_the_last_record_is_a_torn_tail(tmp_path):
    data = bytearray(lines(["one", "two"]))
    data[-3] ^= 1
    (tmp_path / "log").write_bytes(data)
    recovered = recover(tmp_path / "log")
    assert recovered.records == ["one"]
    assert recovered.torn is not None


def test_replacing_the_log_drops_what_was_there_and_goes_on(tmp_path):
    log = Log(tmp_path)
    log.append("old")
    log.sync()
    log.append("waiting")
    log.replace(["snapshot", 1])
    log.append("after")
    log.sync()
    log.append("unsynced")
    log.close()
    assert recover(tmp_path / "log").records == ["snapshot", 1, "after"]
    materialise(tmp_path)
    assert recover(tmp_path / "log").records == ["snapshot", 1, "after", "unsynced"]


def test_a_failed_sync_is_a_sentence(tmp_path, monkeypatch):
    log = Log(tmp_path)
    log.append("x")

    def broken(_descriptor):
        raise OSError(5, "Input/output error")

    with monkeypatch.context() as patched:
        patched.setattr("os.fsync", broken)
        with pytest.raises(
            DiskError, match=r"The log .*/log can't be synced: Input/output error; free or repair"
        ):
            log.sync()
    log.close()
