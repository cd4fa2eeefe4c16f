"""Other tools' forms: tasks and results from them and for them, one file a form, reached through
`wb export` and `wb import` (`workbench.cli.exchange`)."""
