"""Who decides: the `wb` command, the ladder, run folders and recommendations."""
