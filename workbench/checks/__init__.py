"""What `wb check` says of a task before anything is generated, and what a run would take."""
