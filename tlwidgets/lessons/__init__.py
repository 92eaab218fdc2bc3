"""The lessons as a course: which there are, a learner's copies of them, and how far the learner has come.

Needs nothing outside the standard library, so that the build can ask it for the catalogue before anything is installed.
"""

from tlwidgets.lessons.catalogue import Item, Lesson, as_json, find_lesson, list_lessons
from tlwidgets.lessons.copies import course_folder, open_lesson, reset_lesson
from tlwidgets.lessons.progress import FILE, Progress, read_progress, start_course
from tlwidgets.lessons.standing import Standing, next_lesson, standing

__all__ = [
    "FILE",
    "Item",
    "Lesson",
    "Progress",
    "Standing",
    "as_json",
    "course_folder",
    "find_lesson",
    "list_lessons",
    "next_lesson",
    "open_lesson",
    "read_progress",
    "reset_lesson",
    "standing",
    "start_course",
]
