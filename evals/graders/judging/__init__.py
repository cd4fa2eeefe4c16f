"""Graders that ask a language model: `rubric` judges one answer, `pairwise` prefers one of two.

`asking` has what they share: how a judge is asked, and how its verdict is read. A judge may gate only
after it was tried on rows that people labelled (`workbench.judges.admission`).
"""
