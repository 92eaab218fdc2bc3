"""Instant feedback in the lessons: exercises, predictions, quizzes and claims.

Importing this package imports neither torch nor ipywidgets: a check must answer at once.
The measurements behind the lessons' claims live in :mod:`tlwidgets.exercises.experiments`.
"""

from tlwidgets.exercises.checking import CheckResult, check
from tlwidgets.exercises.claims import claim
from tlwidgets.exercises.pictures import line_chart, picture
from tlwidgets.exercises.prose import say
from tlwidgets.exercises.questions import predict, quiz, reveal

__all__ = ["CheckResult", "check", "claim", "line_chart", "picture", "predict", "quiz", "reveal", "say"]
