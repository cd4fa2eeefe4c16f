"""What can be had without training: approaches that leave the model's weights as they are.

The table lists the rungs in order of cost, cheapest first; the order is the order in which a
decision prefers them.
"""

from evals.table import Table

RUNGS = Table(
    "rung",
    {
        "zero_shot": "baselines.prompts:ZeroShot",
        "system_prompt": "baselines.prompts:SystemPrompt",
        "prompt_variants": "baselines.variants:PromptVariants",
        "few_shot": "baselines.shots:FewShot",
        "knn_few_shot": "baselines.shots:KnnFewShot",
        "prompt_search": "baselines.search.rung:PromptSearch",
        "constrained": "baselines.constrained:Constrained",
        "likelihood": "baselines.likelihood:ByLikelihood",
        "rag": "baselines.rag.rung:Rag",
        "repair": "baselines.repair:Repair",
        "self_consistency": "baselines.self_consistency:SelfConsistency",
    },
)

COMPOSED = ("constrained", "likelihood", "rag", "repair", "self_consistency")
"""Rungs that add to the best approach so far on dev, in their order; the others stand alone."""
ON_DEMAND = ("prompt_search",)
"""Rungs whose search asks more than all the others: a ladder has them where the task names them."""
