"""Which pixels of an image a network's answer rests on, by methods that can be laid side by side, and be checked."""

import sys
from types import ModuleType
from typing import Any

from tlwidgets.explain.explaining import METHODS, explain
from tlwidgets.explain.explanation import Explanation
from tlwidgets.explain.faithfulness import Faithfulness, faithfulness

__all__ = ["METHODS", "Explanation", "Faithfulness", "explain", "faithfulness"]


class _Callable(ModuleType):
    """This package, called: once anything imports it, Python makes it the attribute ``tlwidgets.explain``."""

    def __call__(self, *arguments: Any, **options: Any) -> Explanation:
        """``tlw.explain(...)`` is :func:`explain`, whichever was imported first."""
        return explain(*arguments, **options)


sys.modules[__name__].__class__ = _Callable
