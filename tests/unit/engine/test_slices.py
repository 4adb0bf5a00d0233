import torch

from stimmung.engine.cohort.slices import Layout, Slice


def test_slices_are_served_by_as_few_groups_as_can_be():
    layout = Layout(torch.device("cpu"))
    for slices, groups in (
        ([(0, 0, 2), (1, 2, 4), (2, 4, 6)], [[0, 1, 2]]),
        ([(0, 0, 2), (1, 2, 4), (2, 4, 5)], [[0, 1], [2]]),  # fewer rows
        ([(0, 0, 2), (2, 2, 4), (3, 4, 6)], [[0], [2, 3]]),  # one has ended
        ([(-1, 0, 2), (0, 2, 4), (-1, 4, 5), (1, 5, 7)], [[0], [1]]),  # rows of the base between
    ):
        layout.slices = [Slice(*one) for one in slices]
        assert [[one.adapter for one in group.slices] for group in layout.groups] == groups
