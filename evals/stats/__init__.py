"""Statistics that gate: confidence bounds of scores, and how many rows a requirement takes.

`sample` is what a bound is taken of, `bounds` the rule that chooses one, `worst_row` and
`resample` the two bounds that are not in scipy as needed here, `power` counts rows.
"""
