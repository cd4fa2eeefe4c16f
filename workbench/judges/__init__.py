"""Judges are tried on rows that people labelled, and admitted or not."""
