"""lm-eval (EleutherAI's lm-evaluation-harness): tasks to it and from it, and its results as runs."""
