"""What a model takes from a checkpoint of other classes or with other parts."""

import pytest
import torch

from knet.class_rows import ClassRows
from knet.starting_weights import take_over

ROWS = ("kernel_head.semantic_kernels.weight", "decoder.stages.0.class_layer.bias")
CLIP = "clip_decoder.stages.1.class_layer.weight"


def weights(values: list[float], **others: torch.Tensor) -> dict[str, torch.Tensor]:
    """A weight of each kind with class rows, row i holding values[i]."""
    rows = torch.tensor(values)
    return {ROWS[0]: rows.view(-1, 1, 1, 1).expand(-1, 2, 1, 1), ROWS[1]: rows, CLIP: rows[:, None], **others}


def test_class_rows_are_taken_by_name():
    ours, theirs = ("person", "traffic light", "sky"), ("Sky", "person", "table", "traffic_light")
    own = weights([-1.0, -2.0, -3.0])
    start = take_over(weights([10.0, 20.0, 30.0, 40.0]), own, ours, theirs)
    for name in own:
        assert start.state_dict[name].flatten(1).mean(1).tolist() == [20, 40, 10] if own[name].dim() > 1 else True
    assert start.state_dict[ROWS[1]].tolist() == [20, 40, 10]
    assert start.rows.dropped == ["table"]
    assert not start.fresh
    assert "3 by name (person, traffic light, sky); 0 fresh; 1 dropped (table)" in start.report()
    assert own[ROWS[1]].tolist() == [-1, -2, -3]  # stays as it was


def test_classes_that_the_file_lacks_stay_fresh():
    start = take_over(weights([10.0, 20.0]), weights([-1.0, -2.0, -3.0]), ("car", "dog", "cat"), ("cat", "car"))
    assert start.state_dict[ROWS[1]].tolist() == [20, -2, 10]
    assert start.rows.fresh == ["dog"]


def test_as_many_classes_in_another_order_are_not_mixed_up():
    start = take_over(weights([10.0, 20.0]), weights([0.0, 0.0]), ("road", "car"), ("car", "road"))
    assert start.state_dict[ROWS[1]].tolist() == [20, 10]


def test_the_same_classes_are_said_to_be_the_same():
    start = take_over(weights([10.0, 20.0]), weights([0.0, 0.0]), ("road", "car"), ("road", "car"))
    assert start.state_dict[ROWS[1]].tolist() == [10, 20]
    assert "2 classes, which are the same" in start.report()


@pytest.mark.parametrize(("count", "taken"), [(2, True), (3, False)])
def test_without_names_rows_are_taken_in_order_where_they_are_as_many(count, taken):
    own = weights([-1.0] * count)
    start = take_over(weights([10.0, 20.0]), own, None, ("car", "road"))
    assert start.state_dict[ROWS[1]].tolist() == ([10, 20] if taken else [-1] * count)
    assert ("in the order of the file" in start.report()) == taken
    assert (f"(2,) in the file, ({count},) in the model" in start.report()) != taken


def test_a_file_whose_rows_are_not_those_of_its_classes():
    """It says 3 classes and has 2 rows: nothing is guessed."""
    start = take_over(weights([10.0, 20.0]), weights([-1.0, -1.0]), ("car", "road"), ("car", "road", "sky"))
    assert start.state_dict[ROWS[1]].tolist() == [-1, -1]
    assert set(start.fresh) == {*ROWS, CLIP}


def test_classes_without_any_in_common_are_all_fresh():
    start = take_over(weights([10.0]), weights([-1.0]), ("car",), ("zebra",))
    assert start.state_dict[ROWS[1]].tolist() == [-1]
    assert not start.copied


def test_new_parts_are_fresh_and_unknown_ones_left():
    own = {
        "backbone.a": torch.zeros(2),
        "decoder.kernel_linking.2.ffn_norm.weight": torch.ones(2),
        "neck.b": torch.ones(1),
    }
    start = take_over({"backbone.a": torch.ones(2), "neck.b": torch.ones(3), "track_head.x": torch.ones(1)}, own)
    assert start.copied == ["backbone.a"]
    assert set(start.state_dict) == set(own)
    report = start.report()
    assert "1 of 3 weights" in report
    assert "fresh: decoder.kernel_linking.2 (1 weight)" in report
    assert "left out, not in the model: track_head (1 weight)" in report
    assert "left out, (3,) in the file, (1,) in the model: neck (1 weight)" in report
    assert "class rows" not in report


def test_names_that_appear_twice_take_the_first_row():
    assert ClassRows.by_name(["car"], ["Car", "car"]).sources == (0,)
