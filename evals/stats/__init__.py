"""Statistics that gate, that compare, and that plan.

`sample` is what a bound is taken of: `bounds` is the rule that chooses one, `worst_row` and `resample`
the two bounds it is made of, `clusters` what rows in groups are worth, `draws` the resamples. `paired`
is the difference of two approaches, `mcnemar`, `permutation` and `margin` what is said of it, `together`
many approaches at once. `power` counts the rows that would settle what was seen, `effects` plans before
anything is.
"""
