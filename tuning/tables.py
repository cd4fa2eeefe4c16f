"""Tables of contents of what trains: methods in order of cost, and objectives."""

from evals.table import Table

METHODS = Table(
    "method",
    {
        "prompt_tuning": "tuning.soft:PromptTuning",
        "p_tuning": "tuning.soft:PTuning",
        "prefix_tuning": "tuning.soft:PrefixTuning",
        "lora": "tuning.lora:Lora",
        "qlora": "tuning.lora:Qlora",
        "full": "tuning.full:Full",
    },
)
"""Cheapest first. Which parameters move."""

OBJECTIVES = Table(
    "objective",
    {
        "sft": "tuning.sft:Sft",
        "dpo": "tuning.preference:Dpo",
        "orpo": "tuning.preference:Orpo",
        "kto": "tuning.kto:Kto",
        "sft_then_dpo": "tuning.preference:SftThenDpo",
        "rlhf": "tuning.rlhf:Rlhf",
        "rlhf_preferences": "tuning.rlhf:RlhfPreferences",
    },
)
"""What they move towards."""
