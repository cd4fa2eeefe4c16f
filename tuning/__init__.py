"""What training adds: the methods that move weights or learned prompts, and what each needs.

`METHODS` is in order of cost, cheapest first. A decision that escalates names one of them.
"""

from tuning.methods import METHODS, Method, recommend

__all__ = ["METHODS", "Method", "recommend"]
