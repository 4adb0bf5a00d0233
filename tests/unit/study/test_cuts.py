from hypothesis import given, settings
from hypothesis import strategies as st

from stimmung.study.cuts import cut, training_jobs

CONDITIONS = st.lists(st.sampled_from("abcdefgh"), min_size=1, unique=True)
SEEDS = st.lists(st.integers(0, 99), min_size=1, max_size=6, unique=True)
WORK = (CONDITIONS, SEEDS, st.integers(2, 10), st.integers(1, 200))


def counted(conditions, seeds, n_folds, per_job):
    """Jobs of a number of adapters that the config says."""
    return training_jobs(dict.fromkeys(conditions, (1, per_job)), seeds, n_folds, per_job)


@settings(deadline=None)
@given(*WORK)
def test_every_adapter_is_trained_by_one_job_and_no_job_holds_more_than_it_may(
    conditions, seeds, n_folds, per_job
):
    jobs = counted(conditions, seeds, n_folds, per_job)
    assert [one for job in jobs for one in job] == [
        (condition, seed, fold) for condition in conditions for seed in seeds for fold in range(n_folds)
    ]
    assert all(1 <= len(job) <= per_job for job in jobs)


@settings(deadline=None)
@given(*WORK)
def test_a_job_has_whole_conditions_or_whole_seeds_of_one_or_folds_of_one_seed(
    conditions, seeds, n_folds, per_job
):
    for job in counted(conditions, seeds, n_folds, per_job):
        of_conditions, of_seeds = {one[0] for one in job}, {one[1] for one in job}
        if len(of_conditions) > 1:
            assert len(job) == len(of_conditions) * len(seeds) * n_folds
        elif len(of_seeds) > 1:
            assert len(job) == len(of_seeds) * n_folds


@settings(deadline=None)
@given(*WORK)
def test_a_job_is_as_full_as_whole_conditions_seeds_or_folds_let_it_be(conditions, seeds, n_folds, per_job):
    jobs = counted(conditions, seeds, n_folds, per_job)
    a_seed, a_condition = n_folds, n_folds * len(seeds)
    unit = 1 if per_job < a_seed else a_seed if per_job < a_condition else a_condition
    whole = {1: a_seed, a_seed: a_condition, a_condition: a_condition * len(conditions)}[unit]
    assert len(jobs[0]) == min(whole, per_job // unit * unit)


@settings(deadline=None)
@given(
    st.dictionaries(st.sampled_from("abcdefgh"), st.floats(0.01, 30), min_size=1),
    SEEDS,
    st.integers(2, 10),
    st.floats(5, 60),
)
def test_conditions_of_unlike_work_share_a_job_only_while_it_has_room(work, seeds, n_folds, room):
    of_one = len(seeds) * n_folds
    conditions = {condition: (minutes, of_one) for condition, minutes in work.items()}
    jobs = training_jobs(conditions, seeds, n_folds, room)
    assert [one for job in jobs for one in job] == [
        (condition, seed, fold) for condition in work for seed in seeds for fold in range(n_folds)
    ]
    held = [list(dict.fromkeys(condition for condition, _, _ in job)) for job in jobs]
    for some, after in zip(held, [*held[1:], []], strict=True):
        full = sum(work[condition] * of_one for condition in some)
        assert len(some) == 1 or full <= room * (1 + 1e-9)
        # What comes next would not have fitted in.
        assert not after or full + work[after[0]] * of_one > room * (1 - 1e-9)


@settings(deadline=None)
@given(*WORK)
def test_without_room_no_conditions_share_a_job(conditions, seeds, n_folds, per_job):
    for job in training_jobs(dict.fromkeys(conditions, (1, per_job)), seeds, n_folds, 0):
        assert len({condition for condition, _, _ in job}) == 1


@settings(deadline=None)
@given(*WORK)
def test_a_further_condition_changes_the_last_job_at_most(conditions, seeds, n_folds, per_job):
    before = counted(conditions, seeds, n_folds, per_job)
    after = counted([*conditions, "z"], seeds, n_folds, per_job)
    assert after[: len(before) - 1] == before[:-1]
    assert after[len(before) - 1][: len(before[-1])] == before[-1]


@settings(deadline=None)
@given(SEEDS, st.integers(2, 10), st.integers(1, 40))
def test_a_further_seed_of_one_condition_changes_the_last_job_at_most(seeds, n_folds, per_job):
    before = counted(["a"], seeds, n_folds, per_job)
    after = counted(["a"], [*seeds, 100], n_folds, per_job)
    assert after[: len(before) - 1] == before[:-1]
    assert after[len(before) - 1][: len(before[-1])] == before[-1]


@settings(deadline=None)
@given(SEEDS, st.integers(1, 40))
def test_tables_have_each_seed_once(seeds, per_table):
    tables = cut(seeds, per_table)
    assert [seed for table in tables for seed in table] == seeds
    assert all(1 <= len(table) <= per_table for table in tables)
