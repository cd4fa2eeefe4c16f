"""A promptfoo configuration as a task folder of ours.

source      the configuration and the files it includes, as plain values
words       its texts with variables
prompts     its prompts          providers   its models
tests       its tests, with CSV  cells       assertions written in one cell
assertions  its assertions, among our graders
folder      all of it as task.yaml and rows
"""
