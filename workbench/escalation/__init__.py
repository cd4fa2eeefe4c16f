"""`wb escalate`: train what the verdict names, judge it beside the baselines, say whether it was worth it."""
