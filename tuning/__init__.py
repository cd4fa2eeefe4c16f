"""What training adds: methods that move weights or learned prompts, objectives, and the loop they share.

`METHODS` is in order of cost, cheapest first; `OBJECTIVES` are what they learn towards. A decision that
escalates names a method; `tuning.recipe.Recipe` is the rung that trains by it.
"""

from tuning.methods import Recommendation, above, recommend
from tuning.tables import METHODS, OBJECTIVES

__all__ = ["METHODS", "OBJECTIVES", "Recommendation", "above", "recommend"]
