from hypothesis import given, settings
from hypothesis import strategies as st

from stimmung.workflow.cuts import cut, training_jobs, weekly_jobs

CONDITIONS = st.lists(st.sampled_from("abcdefgh"), min_size=1, unique=True)
SEEDS = st.lists(st.integers(0, 99), min_size=1, max_size=6, unique=True)
WORK = (CONDITIONS, SEEDS, st.integers(2, 10), st.integers(1, 200))


def counted(conditions, seeds, n_folds, per_job):
    """Jobs of a number of adapters that the config says."""
    return training_jobs(dict.fromkeys(conditions, (1, per_job)), seeds, n_folds, per_job)


def everything(conditions, seeds, n_folds):
    return {(condition, seed, fold) for condition in conditions for seed in seeds for fold in range(n_folds)}


def by_condition(job):
    """The adapters of each condition in a job."""
    return {name: [one for one in job if one[0] == name] for name, _, _ in job}


@settings(deadline=None)
@given(*WORK)
def test_every_adapter_is_trained_by_one_job_and_no_job_holds_more_than_it_may(
    conditions, seeds, n_folds, per_job
):
    jobs = counted(conditions, seeds, n_folds, per_job)
    adapters = [one for job in jobs for one in job]
    assert set(adapters) == everything(conditions, seeds, n_folds) and len(adapters) == len(set(adapters))
    assert all(1 <= len(job) <= per_job for job in jobs)


@settings(deadline=None)
@given(*WORK)
def test_seeds_are_torn_only_where_one_is_more_than_a_job_and_conditions_only_where_one_is(
    conditions, seeds, n_folds, per_job
):
    for job in counted(conditions, seeds, n_folds, per_job):
        for adapters in by_condition(job).values():
            if n_folds <= per_job:
                assert len(adapters) == n_folds * len({seed for _, seed, _ in adapters})
            if n_folds * len(seeds) <= per_job:
                assert len(adapters) == n_folds * len(seeds)


@settings(deadline=None)
@given(*WORK)
def test_no_job_is_begun_for_what_had_room_in_another(conditions, seeds, n_folds, per_job):
    jobs = counted(conditions, seeds, n_folds, per_job)
    for place, job in enumerate(jobs):
        for before in jobs[:place]:
            assert all(len(before) + len(adapters) > per_job for adapters in by_condition(job).values())


# Condition to minutes of all its adapters.
MINUTES = st.dictionaries(st.sampled_from("abcdefgh"), st.floats(0.01, 55), min_size=1)


@settings(deadline=None)
@given(MINUTES, SEEDS, st.integers(2, 10), st.floats(5, 60))
def test_conditions_of_unlike_work_share_a_job_only_while_it_has_room(minutes, seeds, n_folds, room):
    of_one = len(seeds) * n_folds
    conditions = {condition: (of_all / of_one, of_one) for condition, of_all in minutes.items()}
    jobs = training_jobs(conditions, seeds, n_folds, room)
    assert {one for job in jobs for one in job} == everything(minutes, seeds, n_folds)
    held = [list(by_condition(job)) for job in jobs]
    loads = [sum(minutes[condition] for condition in some) for some in held]
    for place, (some, load) in enumerate(zip(held, loads, strict=True)):
        assert len(some) == 1 or load <= room * (1 + 1e-9)
        for before in loads[:place]:
            assert all(before + minutes[condition] > room * (1 - 1e-9) for condition in some)


@settings(deadline=None)
@given(MINUTES, SEEDS, st.integers(2, 10), st.floats(10, 30))
def test_a_job_that_is_too_short_is_joined_to_another_if_that_is_not_then_too_long(
    minutes, seeds, n_folds, room
):
    of_one = len(seeds) * n_folds
    conditions = {condition: (of_all / of_one, of_one) for condition, of_all in minutes.items()}
    jobs = training_jobs(conditions, seeds, n_folds, room, least=5, most=55)
    assert {one for job in jobs for one in job} == everything(minutes, seeds, n_folds)
    loads = sorted(sum(minutes[condition] for condition in by_condition(job)) for job in jobs)
    assert loads[-1] <= 55 * (1 + 1e-9)
    assert len(loads) == 1 or loads[0] >= 5 * (1 - 1e-9) or loads[0] + loads[1] > 55 * (1 - 1e-9)


@settings(deadline=None)
@given(*WORK)
def test_without_room_no_conditions_share_a_job(conditions, seeds, n_folds, per_job):
    for job in training_jobs(dict.fromkeys(conditions, (1, per_job)), seeds, n_folds, 0):
        assert len({condition for condition, _, _ in job}) == 1


@settings(deadline=None)
@given(*WORK)
def test_a_further_condition_takes_nothing_out_of_the_jobs_before_it(conditions, seeds, n_folds, per_job):
    before = counted(conditions, seeds, n_folds, per_job)
    after = counted([*conditions, "z"], seeds, n_folds, per_job)
    assert [job[: len(was)] for job, was in zip(after, before, strict=False)] == before


@settings(deadline=None)
@given(SEEDS, st.integers(2, 10), st.integers(1, 40))
def test_a_further_seed_of_one_condition_takes_nothing_out_of_the_jobs_before_it(seeds, n_folds, per_job):
    before = counted(["a"], seeds, n_folds, per_job)
    after = counted(["a"], [*seeds, 100], n_folds, per_job)
    assert [job[: len(was)] for job, was in zip(after, before, strict=False)] == before


@settings(deadline=None)
@given(SEEDS, st.integers(1, 40))
def test_tables_have_each_seed_once(seeds, per_table):
    tables = cut(seeds, per_table)
    assert [seed for table in tables for seed in table] == seeds
    assert all(1 <= len(table) <= per_table for table in tables)


@settings(deadline=None)
@given(st.integers(1, 30), SEEDS, st.integers(1, 10), st.integers(1, 8))
def test_every_week_and_seed_is_trained_by_one_job_and_a_further_week_moves_none(
    n_weeks, seeds, weeks_per_job, seeds_per_job
):
    weeks = [f"week {number}" for number in range(n_weeks)]
    jobs = weekly_jobs(weeks, seeds, weeks_per_job, seeds_per_job)
    adapters = [one for job in jobs for one in job]
    assert sorted(adapters) == sorted((week, seed) for week in weeks for seed in seeds)
    assert all(1 <= len(job) <= weeks_per_job * seeds_per_job for job in jobs)
    after = weekly_jobs([*weeks, "another"], seeds, weeks_per_job, seeds_per_job)
    for job, was in zip(after, jobs, strict=False):
        assert job[0] == was[0] and set(was) <= set(job)
