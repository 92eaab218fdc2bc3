"""Grading a folder of students' notebooks, each in a process of its own, by our checks and not by what it prints.

A notebook is somebody else's program. It may loop, eat memory, kill its process, print a gigabyte or replace ``check``:
the others are graded all the same. It still runs with the rights of whoever grades: this is no prison for malice.
"""

from tlwidgets.exercises.grading.batch import Grade, grade_students
from tlwidgets.exercises.grading.process import Limits
from tlwidgets.exercises.grading.report import harmless, summary, write_csv
from tlwidgets.exercises.grading.room import free_megabytes, sensible_jobs
from tlwidgets.exercises.grading.submissions import Student, find_students
from tlwidgets.exercises.grading.table import GradeTable

__all__ = [
    "Grade",
    "GradeTable",
    "Limits",
    "Student",
    "find_students",
    "free_megabytes",
    "grade_students",
    "harmless",
    "sensible_jobs",
    "summary",
    "write_csv",
]
