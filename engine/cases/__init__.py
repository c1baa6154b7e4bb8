"""The tests of a mapping: rows of the source go in, rows of the star are expected.

`suite` reads a file of cases (its language is in schema.json), `servers` gives each case fresh databases,
`write` changes the source, `execute` runs the mapping, `compare` finds what is otherwise than expected, and
`report` and `junit` tell.
"""
