"""Which pixels of an image a network's answer rests on, by methods that can be laid side by side, and be checked."""

from tlwidgets.explain.explaining import METHODS, explain
from tlwidgets.explain.explanation import Explanation
from tlwidgets.explain.faithfulness import Faithfulness, faithfulness

__all__ = ["METHODS", "Explanation", "Faithfulness", "explain", "faithfulness"]
