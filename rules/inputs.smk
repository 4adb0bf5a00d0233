"""What the rules of a survey take, by the wildcards of a job."""


def survey_source(wildcards):
    """Where the survey is read from: its file, the made-up one, or a library's."""
    name = parent_of(wildcards.survey)
    if STUDY.surveys[name].simulate is not None:
        return f"results/surveys/{name}/simulated.sav"
    return STUDY.surveys[name].file


def survey_file(wildcards):
    """The survey's file; one that comes with a library is no file of ours."""
    source = survey_source(wildcards)
    return [] if source.startswith("statsmodels:") else source


def files_of_predictions(wildcards):
    """The file that somebody else's predictions are read from, and the survey's, which has the identifiers of all rows."""
    file = SURVEYS[wildcards.survey].predictions[wildcards.prediction_file].file
    survey = survey_file(wildcards)
    return [file, survey] if survey else [file]


def selected(key):
    """What a condition does to the training rows, in the words of the survey's language; the same for all its targets."""

    def of_job(wildcards):
        name = parent_of(wildcards.survey)
        return STUDY.surveys[name].selection(wildcards.condition, CODEBOOKS[name])[key]

    return of_job


def other_selection(wildcards):
    """What the condition does whose number of training rows this one takes, if it takes one."""
    name = parent_of(wildcards.survey)
    other = STUDY.surveys[name].conditions[wildcards.condition].same_size_as
    return other and STUDY.surveys[name].selection(other, CODEBOOKS[name])


def not_asked_of(wildcards):
    """The answers that a condition neither learns nor shows; None if there are none."""
    name = parent_of(wildcards.survey)
    unasked = STUDY.surveys[name].not_asked(wildcards.condition, CODEBOOKS[name])
    return unasked and unasked.model_dump(mode="json")


def left_out_of(wildcards):
    """The item and the answers of whom a condition leaves out, in the words of the survey's language."""
    name = parent_of(wildcards.survey)
    survey = STUDY.surveys[name]
    return survey.conditions[wildcards.condition].left_out_in(CODEBOOKS[name], survey.language)


def target_of(wildcards):
    """The item that is predicted."""
    return ASKED[wildcards.survey].item


def other_targets_of(wildcards):
    """The survey's other targets, which the same adapters predict."""
    return ASKED[wildcards.survey].others


def view_of(wildcards):
    """What is predicted, and which other targets there are."""
    return ASKED[wildcards.survey].model_dump(mode="json")


def views_of(wildcards):
    """The same of all targets of a survey."""
    return [ASKED[view].model_dump(mode="json") for view in VIEWS[wildcards.survey]]


def predictors_of(wildcards):
    """The items of a survey's prompts under a condition."""
    dropped = STUDY.surveys[parent_of(wildcards.survey)].conditions[wildcards.condition].drop_items
    return ASKED[wildcards.survey].of(CODEBOOKS[parent_of(wildcards.survey)]).predictors_without(dropped)


def targets_of(wildcards):
    """The items that are predicted of a survey."""
    survey, codebook = STUDY.surveys[wildcards.survey], CODEBOOKS[wildcards.survey]
    return [asked.item for asked in survey.asked(codebook)]


def respondents_of(wildcards):
    """The respondents of a survey, the same for all its targets."""
    return f"results/surveys/{parent_of(wildcards.survey)}/respondents.parquet"


def option_values_of(wildcards):
    """The number of each of the target's options, if they stand in an order; else None."""
    return ASKED[wildcards.survey].of(CODEBOOKS[parent_of(wildcards.survey)]).target_values


def option_values_of_targets(wildcards):
    """The same of each target of a survey of groups."""
    codebook = CODEBOOKS[wildcards.survey]
    return {name: codebook.with_target(name).target_values for name in targets_of(wildcards)}


def is_simulated(wildcards):
    """Whether the survey's respondents are made up; then every figure and table says so."""
    name = parent_of(wildcards.survey)
    return STUDY.surveys[name].simulate is not None or CODEBOOKS[name].simulated


def prompts_of(wildcards):
    """The prompts, or the backstories, that an arm reads; conditions that leave out the same items share them."""
    return prompts_of_view(wildcards.survey, wildcards)


def prompts_of_view(view, wildcards):
    """The same of one target."""
    folder = "personas" if ARMS[wildcards.arm].persona else "prompts"
    item = ASKED[view].item
    twin = STUDY.surveys[parent_of(view)].prompt_twin(wildcards.condition, item)
    return f"results/surveys/{view}/{folder}/{twin}.parquet"


def prompts_learned(wildcards):
    """The prompts of all targets of a survey, which its adapters learn together."""
    return [prompts_of_view(view, wildcards) for view in VIEWS[wildcards.survey]]


def splits_learned(wildcards):
    """The splits of all targets of a survey."""
    return [
        f"results/surveys/{view}/splits/{wildcards.condition}.parquet" for view in VIEWS[wildcards.survey]
    ]


def scored_in_one_pass(wildcards):
    """The views of a survey that a condition tests, whose prompts a job reads together."""
    return [view for view in VIEWS[wildcards.survey] if wildcards.condition in SURVEYS[view].conditions]


def prompts_scored(wildcards):
    """The prompts of all these targets."""
    return [prompts_of_view(view, wildcards) for view in scored_in_one_pass(wildcards)]


def splits_scored(wildcards):
    """The splits of all these targets."""
    return [
        f"results/surveys/{view}/splits/{wildcards.condition}.parquet"
        for view in scored_in_one_pass(wildcards)
    ]


def views_scored(wildcards):
    """What is predicted of all these targets."""
    return [ASKED[view].model_dump(mode="json") for view in scored_in_one_pass(wildcards)]


def respondents_learned(wildcards):
    """The table with the weights, or the groups, that count in training: a list of none or one."""
    survey = SURVEYS[wildcards.survey]
    held_out_by_group = survey.group is not None and training_preset(wildcards).early_stopping is not None
    return [respondents_of(wildcards)] if survey.weighted_training or held_out_by_group else []


def training_of(wildcards):
    """The hyper-parameters of a survey's or a panel's adapters on the wildcard's model."""
    return training_preset(wildcards).model_dump(mode="json")


def training_preset(wildcards):
    """The same, as the study's own model."""
    branch = SURVEYS[wildcards.survey] if "survey" in wildcards.keys() else STUDY.panels[wildcards.panel]
    return STUDY.training_of(branch, wildcards.model)


def examples_of_arm(wildcards):
    """How many examples stand in an arm's prompts."""
    shows = ARMS[wildcards.arm].shows_examples
    return SURVEYS[wildcards.survey].few_shot_k if shows else 0


def how_examples_are_chosen(wildcards):
    """Which training respondents an arm shows, and in which order; the default for an arm that shows none."""
    shows = ARMS[wildcards.arm].shows_examples
    return SURVEYS[wildcards.survey].few_shot.model_dump() if shows else {}


def adapters_of_arm(wildcards):
    """The weights that an arm reads with, by fold; none if it is untuned. They are the same for all targets of a survey."""
    if not ARMS[wildcards.arm].tuned:
        return []
    w = wildcards
    folder = f"results/surveys/{parent_of(w.survey)}/adapters/{w.model}/{w.arm}/{w.condition}/seed-{w.seed}"
    return [f"{folder}/fold-{fold}/adapter_model.safetensors" for fold in FOLDS]


def predictions_of(wildcards):
    """All predictions tables of a survey."""
    return predictions_of_view(wildcards.survey)


def predictions_of_view(name):
    """The same of one target."""
    survey, codebook = SURVEYS[name], CODEBOOKS[parent_of(name)]
    beside = baselines_beside(survey, ASKED[name], codebook)
    return survey.prediction_files(name, BASELINES, STUDY.models, beside)


def metrics_of_targets(wildcards):
    """The metrics of each target of a survey."""
    return [f"results/surveys/{view}/metrics.parquet" for view in VIEWS[wildcards.survey]]


def option_views(wildcards):
    """The views of a select-all target's options."""
    return SELECT_ALL[wildcards.survey, wildcards.item]


def predictions_of_options(wildcards):
    """The predictions tables of each option of a select-all target, one option after the other."""
    return [path for view in option_views(wildcards) for path in predictions_of_view(view)]


def n_predictions_of_options(wildcards):
    """How many predictions tables each of these options has."""
    return [len(predictions_of_view(view)) for view in option_views(wildcards)]


def splits_of_options(wildcards):
    """The splits tables of each of these options, one option after the other."""
    return [path for view in option_views(wildcards) for path in splits_of_view(view)]


def n_splits_of_options(wildcards):
    """How many splits tables each of these options has."""
    return [len(splits_of_view(view)) for view in option_views(wildcards)]


def options_of_item(wildcards):
    """The item of each option of a select-all target, with the option's words."""
    item = CODEBOOKS[wildcards.survey].select_all[wildcards.item]
    language = STUDY.surveys[wildcards.survey].language
    words = [in_language(option.label, language) for option in item.select_all]
    return dict(zip([ASKED[view].item for view in option_views(wildcards)], words, strict=True))


def chosen_word(wildcards):
    """The answer that an option of a select-all target was chosen."""
    item = CODEBOOKS[wildcards.survey].select_all[wildcards.item]
    return in_language(item.chosen.label, STUDY.surveys[wildcards.survey].language)


def rectified_of(wildcards):
    """The rectified estimates of a survey that has them: a list of none or one."""
    has_some = SURVEYS[wildcards.survey].rectify is not None
    return [f"results/surveys/{wildcards.survey}/rectified/estimates.parquet"] if has_some else []


def draws_of(wildcards):
    """The drawn answers of all methods that impute, under all conditions; none for a survey without `impute`."""
    folder = f"results/surveys/{wildcards.survey}/imputed/draws"
    pairs = SURVEYS[wildcards.survey].imputations()
    return [f"{folder}/{method}/{condition}.parquet" for method, condition in pairs]


def predictions_of_first_seed(wildcards, method):
    """The predictions of a method with the first seed, under the condition, or one whose predictions are the same."""
    survey = SURVEYS[wildcards.survey]
    condition = survey.predicted_in(method, wildcards.condition)
    folder = f"results/surveys/{predicted_with(wildcards.survey, method, STUDY.models)}/predictions/{method}/{condition}"
    return f"{folder}/seed-{survey.seeds[0]}.parquet"


def splits_of(wildcards):
    """The splits tables of a survey's conditions."""
    return splits_of_view(wildcards.survey)


def splits_of_view(name):
    """The same of one target."""
    return [f"results/surveys/{name}/splits/{condition}.parquet" for condition in SURVEYS[name].conditions]


def first_seed(wildcards):
    """The seed of what is drawn or learned once for a survey."""
    return SURVEYS[wildcards.survey].seeds[0]


def adapters_of_groups(wildcards):
    """The weights that an arm reads groups with, by fold; none if it is untuned."""
    if not ARMS[wildcards.arm].tuned:
        return []
    folder = f"results/surveys/{wildcards.survey}/adapters/{wildcards.model}/groups/seed-{wildcards.seed}"
    return [f"{folder}/fold-{fold}/adapter_model.safetensors" for fold in FOLDS]


def group_predictions_of(wildcards):
    """All predictions of a survey of groups: of each arm and seed, and of the baselines."""
    survey, folder = STUDY.surveys[wildcards.survey], f"results/surveys/{wildcards.survey}/group_predictions"
    arms = [f"{folder}/{arm}/seed-{seed}.parquet" for arm in survey.arms for seed in survey.seeds_of(arm)]
    return [*arms, f"{folder}/baselines.parquet"]


# Each survey or view, method and condition of this run that has draws, and the files that come of them.
IMPUTING = [(view, *pair) for view in ASKED for pair in SURVEYS[view].imputations()]
STACKED = [
    f"results/surveys/{survey}/imputed/stacked/{method}/{condition}/{file}"
    for survey, method, condition in IMPUTING
    for file in ("stacked.csv", "stacked.dta", "README.md")
]


def tuned_to_impute(method):
    """Whether a method imputes with adapters of its own."""
    model, arm = method.split("/")
    return model in STUDY.models and ARMS[arm].tuned


def methods_that(test):
    """A pattern for the methods that impute and pass a test."""
    return "|".join(sorted({method for _, method, _ in IMPUTING if test(method)})) or "(?!)"


def rows_tuned_to_impute(wildcards, input):
    """The rows that a job passes through the model, all epochs and imputations, at most."""
    m = SURVEYS[wildcards.survey].impute.m
    return m * rows_of_training(training_preset(wildcards), n_rows(Path(input.prompts)))


def rows_read_to_impute(wildcards, input):
    """The rows that all adapters of a job read, at most."""
    return SURVEYS[wildcards.survey].impute.m * n_rows(Path(input.prompts))
