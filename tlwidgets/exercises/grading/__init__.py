"""Grading a folder of students' notebooks, each in a process of its own, by our checks and not by what it prints.

A notebook is somebody else's program. It may loop, eat memory, kill its process, print a gigabyte or replace ``check``:
the others are graded all the same. It still runs with the rights of whoever grades: this is no prison for malice.
"""

from tlwidgets.exercises.grading.batch import Grade, grade_students
from tlwidgets.exercises.grading.process import Limits
from tlwidgets.exercises.grading.report import summary, write_csv
from tlwidgets.exercises.grading.submissions import Student, find_students

__all__ = ["Grade", "Limits", "Student", "find_students", "grade_students", "summary", "write_csv"]
