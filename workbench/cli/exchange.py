"""`wb export` and `wb import`: other tools' files. One module of this package a tool, one line a command."""

from __future__ import annotations

from workbench.cli.commands import Commands

EXPORTS: dict[str, tuple[str, str]] = {
    "jsonl": ("workbench.cli.to_files:jsonl", "An approach's rows as OpenAI chat lines."),
    "fine-tuning": (
        "workbench.cli.to_fine_tuning:command",
        "A task's training rows as what a provider of hosted models trains on.",
    ),
    "parquet": ("workbench.cli.to_files:parquet", "A run's rows with their scores as a table."),
    "inspect": ("workbench.cli.to_files:inspect", "An approach's rows as an Inspect log."),
    "mlflow": ("workbench.cli.to_files:mlflow", "A run in MLflow, its approaches as nested runs."),
    "lm-eval": ("workbench.cli.to_lm_eval:command", "An approach with its rows as an lm-eval task folder."),
}
IMPORTS: dict[str, tuple[str, str]] = {
    "promptfoo": ("workbench.cli.from_promptfoo:command", "A promptfoo configuration as a task folder."),
    "inspect": ("workbench.cli.from_inspect:command", "An Inspect log as a run folder."),
    "lm-eval": ("workbench.cli.from_lm_eval:command", "An lm-eval task file as a task folder."),
    "lm-eval-log": ("workbench.cli.from_lm_eval_log:command", "Results of lm-eval as run folders."),
}

export_command = Commands(
    EXPORTS, name="export", help="Write a task or a run in the form that another tool reads."
)
import_command = Commands(IMPORTS, name="import", help="Read another tool's task or results.")
