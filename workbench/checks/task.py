"""`wb check`: everything that can be known of a task before a model says a word.

The rows (copies, contradictions, columns that tell the answer, labels), the gold answers under
their own graders, the lengths of prompts, what a run will take, and for each requirement the
fewest rows and the most failures with which it could be met. Errors stop a run, warnings are for a
person to judge. A mistake in the task file or a data file itself is raised while they are read.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from evals.asked import check_metrics
from evals.audit import audit
from evals.data import Data, load_data, render_all
from evals.errors import ModelError, OutageError, TaskError, WorkbenchError
from evals.graders import allows_code, of_task
from evals.graders.judging.pairwise import Pairwise
from evals.metrics import in_slice, sentence
from evals.models.keywords import ignored
from evals.preferences import METRIC, Pairs, load_pairs
from evals.ranking import ranking
from evals.requirements import is_built_in
from evals.stats.bounds import FEWEST_CLUSTERS
from evals.stats.power import Direction, fewest_rows, most_failures
from evals.task import Task
from evals.types import Example, Grader, Models, Prediction, Row, Rung
from tuning.forgetting import check_named
from workbench import budget, ladder
from workbench.checks.estimate import Estimate, Sizes, estimate, measure
from workbench.checks.findings import LEVELS, Checked, Finding, Level, Provable
from workbench.checks.rows import findings_of_rows
from workbench.checks.slices import slices
from workbench.documents import KEY, Documents
from workbench.judges.admission import leaves, limited, standing
from workbench.judges.trial import try_judges
from workbench.session import with_max_tokens


def check(task: Task, models: Models, *, try_judge: bool = False) -> Checked:
    """Check a task that was read; with `try_judge`, try its judges on human labels, which asks them.

    Raises TaskError or DataError for files that cannot be used.
    """
    graders = of_task(task)
    check_metrics(task, graders)
    budget.check_prices(task)
    judged = _tried(task, graders, models) if try_judge else _untried(task, graders, models)
    rungs = ladder.rungs(task)
    data = load_data(task)
    load_pairs(task)
    provable = tuple(could_show(task, data))
    documents = Documents(task)
    audited = audit(task, data, models, documents)
    able, kept_back = _gradable(graders, models)
    judged += _calls(graders, data, len(rungs))
    rows = findings_of_rows(task, data, audited, able, models)
    limits = [*_requirements(task, data, provable), *_grammar(task, rungs), *_documents(documents)]
    limits += [
        *slices(task, data),
        *_missing(task, rungs, data, models),
        *_forgetting(task),
        *_trained(task, models),
        *_left_out(task, data),
    ]
    findings = [*rows, *limits, *kept_back, *judged]
    sizes, limit, cost, more = _with_model(task, data, models, rungs)
    ordered = sorted([*findings, *more], key=lambda finding: LEVELS.index(finding.level))
    counts = {"train": len(data.train), "dev": len(data.dev), "test": len(data.test)}
    return Checked(
        task.name,
        tuple(ordered),
        counts,
        len(data.dropped),
        provable,
        sizes,
        cost,
        limit,
        audited.to_json(),
    )


def _gradable(graders: Sequence[Grader], models: Models) -> tuple[list[Grader], list[Finding]]:
    """The graders that may grade the gold answers here, and a note for each that may not."""
    able, notes = [], []
    for grader in graders:
        if getattr(grader, "runs_code", False) and not allows_code(models):
            todo = "Type the command again with --allow-code to have them run."
            notes.append(Finding("note", f"grader {grader.name}", "its gold answers were not run", todo))
        elif not any(getattr(grader, trait, False) for trait in ("asks_model", "advisory")):
            able.append(grader)
    return able, notes


def _documents(documents: Documents) -> Iterator[Finding]:
    """What the audit could not read of the task's documents."""
    if (fault := documents.fault) is not None:
        place = f"{fault.where}:{fault.line}" if fault.line else str(fault.where)
        yield Finding("error", KEY, f"{place}: {fault.message}", fault.hint or "")
    elif unread := documents.unread():
        yield Finding("warning", KEY, unread, "What stands in them cannot be found.")


def _missing(task: Task, rungs: Sequence[Rung], data: Data, models: Models) -> list[Finding]:
    """Models that a rung needs beside the task's."""
    errors = ladder.missing_models(task, rungs, bool(data.train), models)
    return [_error(error, _place(error)) for error in errors]


def _trained(task: Task, models: Models) -> Iterator[Finding]:
    """What keeps the model that would be trained in place of the task's own from being loaded."""
    trained = task.tune_model
    if trained is None or trained.provider != "local":
        return
    try:
        _ = models.open(trained).context
    except ModelError as error:
        yield _error(error, f"tune_model {trained.name}")


def _left_out(task: Task, data: Data) -> Iterator[Finding]:
    """Rungs that apply and that the task's own ladder does not have."""
    if missing := ladder.left_out(task, bool(data.train)):
        message = f"leaves out {', '.join(missing)}: its runs are not binding, and nothing is trained on them"
        yield Finding("note", "ladder", message, "Take them in again for a run that decides.")


def _forgetting(task: Task) -> Iterator[Finding]:
    """What the task names to be remembered and a training could not be held against."""
    try:
        if task.forgetting is not None:
            check_named(task.forgetting)
    except TaskError as error:
        yield Finding("error", "forgetting", f"{error.where}: {error.message}", error.hint or "")


def _place(error: WorkbenchError) -> str:
    """File, line and key, as far as there is a line."""
    return f"{error.where}:{error.line}: {error.key}" if error.line else str(error.key)


def _error(error: WorkbenchError, where: str) -> Finding:
    return Finding("error", where, error.message, error.hint or "")


def _tried(task: Task, graders: Sequence[Grader], models: Models) -> list[Finding]:
    """What trying the judges showed."""
    findings = []
    for found in try_judges(task, graders, models):
        level: Level = "warning" if found.faults else "note"
        todo = "Its requirements advise and do not decide." if found.faults else "It may decide."
        why = f"not admitted: {'; '.join(found.faults)}. " if found.faults else "admitted: "
        findings.append(Finding(level, f"judge {found.name}", why + found.sentence(), todo))
    return findings


def _calls(graders: Sequence[Grader], data: Data, rungs: int) -> list[Finding]:
    """How often a run asks its judges, for who pays for them."""
    notes = []
    for grader, name, judge in leaves(graders):
        rows = rungs * len(data.dev) + 2 * len(data.test)
        calls = rows * (2 if isinstance(judge, Pairwise) else 1)
        shown = grader if grader == name else f"{grader} ({name})"
        what = f"about {calls:,} calls in a run, apart from the estimate below"
        todo = f"{rungs} rungs on dev, two on test; the same question is asked once."
        notes.append(Finding("note", f"judge {shown}", what, todo))
    return notes


def _untried(task: Task, graders: Sequence[Grader], models: Models) -> list[Finding]:
    """Requirements on judges that may not decide."""
    try:
        judges = standing(task, graders, models)
    except ModelError as error:
        return [Finding("error", "judge", error.message, error.hint or "")]
    _, notes = limited(task, judges)
    return [Finding("warning", "judge", note, "Try it: wb check --judge.") for note in notes]


def _with_model(
    task: Task, data: Data, models: Models, rungs: Sequence[Rung]
) -> tuple[Sizes | None, int | None, Estimate | None, list[Finding]]:
    """Lengths, max_tokens and the estimate, None where the model or the template is at fault."""
    try:
        render_all(task, data)
        sizes = measure(task, data, models.open(task.model))
        limit = with_max_tokens(task, data, models).generation.max_tokens or 0
        cost = estimate(task, data, sizes, rungs, limit)
        return sizes, limit, cost, list(_lengths(task, sizes, limit, cost))
    except OutageError as error:
        finding = Finding("warning", "model", error.message, "Lengths and costs are not estimated.")
    except ModelError as error:
        finding = _error(error, f"model {task.model.name}")
    except TaskError as error:
        finding = _error(error, _place(error))
    return None, None, None, [finding]


def could_show(task: Task, data: Data) -> Iterator[Provable]:
    """For every requirement on a share of rows, what the test rows could show of it."""
    alpha = (1 - task.confidence) / task.looks
    rows, pairs = [_bare(example) for example in data.test], Pairs()
    if any(requirement.metric == METRIC for requirement in task.requirements):
        pairs = load_pairs(task)
    for requirement in task.requirements:
        ranked, mine = ranking(requirement.metric), in_slice(rows, requirement.where)
        if requirement.metric == METRIC:
            mine = in_slice(
                [_bare(Example(p.id, "", "", fields=p.fields)) for p in pairs.test], requirement.where
            )
        elif is_built_in(requirement.metric) and requirement.metric != "error_rate" and not ranked:
            continue
        n, bound = sum(bool(row.example.gold_doc_ids or not ranked) for row in mine), requirement.bound
        side: Direction = "at_least" if requirement.at_least is not None else "at_most"
        fewest, failures = fewest_rows(bound, alpha, side), most_failures(n, bound, alpha, side)
        yield Provable(sentence(requirement), n, alpha, fewest, failures, requirement.tier)


def _bare(example: Example) -> Row:
    return Row(example, Prediction(example.id, "", "stop"), {}, None)


def _requirements(task: Task, data: Data, provable: Sequence[Provable]) -> Iterator[Finding]:
    """Requirements that even a perfect score could not be shown to meet."""
    if task.policy == "point":
        yield Finding("note", "policy", "point: observed values decide, however few the rows are")
        return
    for could in provable:
        if could.fewest is None:
            yield Finding(
                "warning",
                could.requirement,
                "CANNOT BE MET: no number of rows shows perfection",
                "Ask for a little less than everything.",
            )
        elif could.most_failures is None:
            yield Finding(
                "warning",
                could.requirement,
                f"CANNOT BE MET with {could.n} test rows: even a perfect score takes {could.fewest}",
                f"Add {could.fewest - could.n} test rows, plan fewer looks (now {task.looks}), "
                "or lower the threshold or the confidence.",
            )
    groups = {row.group or row.id for row in data.test}
    if len(groups) < FEWEST_CLUSTERS and any(row.group for row in data.test):
        yield Finding(
            "warning",
            "data.test",
            f"CANNOT SHOW ANYTHING with {len(groups)} groups: below {FEWEST_CLUSTERS} nothing is called met",
            "Add rows of other groups.",
        )


def _grammar(task: Task, rungs: Sequence[Rung]) -> Iterator[Finding]:
    """What a grammar does not hold of the task's schema, where one is going to be used."""
    schema = task.output.schema
    if schema is None or task.model.provider != "local" or not any(r.name == "constrained" for r in rungs):
        return
    try:
        for pointer, keyword, instead in ignored(schema):
            yield Finding(
                "note",
                f"output.schema{pointer}",
                f"constrained decoding does not hold `{keyword}`: {instead[0].lower()}{instead[1:]}",
                "Answers are validated afterwards, and sent back where the rung `repair` is tried.",
            )
    except ModelError as error:
        yield Finding("note", "output.schema", error.message, "The rung `constrained` will not apply.")


def _lengths(task: Task, sizes: Sizes, limit: int, cost: Estimate) -> Iterator[Finding]:
    room = sizes.context - limit
    if sizes.prompt.most > room:
        yield Finding(
            "warning",
            "model",
            f"the longest prompt ({sizes.prompt.most} tokens) and an answer ({limit}) "
            f"do not fit the context of {sizes.context}",
            "Rows that do not fit score 0.",
        )
    if task.generation.max_tokens is not None and sizes.answer.most > limit:
        yield Finding(
            "warning",
            "generation.max_tokens",
            f"{limit} is less than the longest gold answer ({sizes.answer.most} tokens)",
            "Use auto, or a larger number.",
        )
    yield from budget.findings(task, cost)
