"""A JSON Schema as the grammar compiler can hold it.

xgrammar 0.2.8 compiles a schema and says nothing of what it leaves out: beside `anyOf` it forgets
every other keyword, `maxLength` lets raw control characters into a string, a quote in a `pattern`
ends the string. So a schema is first taken apart (shapes.py: references, `allOf`, `anyOf` and
`oneOf` become alternatives of plain keywords), then written again with only those keywords that
were found to hold (writing.py, patterns.py). What is left out on the way is named; `evals.models.keywords`
has the sentences.
"""
