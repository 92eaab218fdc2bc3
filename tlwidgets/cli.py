"""The command line: ``tlwidgets train | run | resume | lab | lessons | check | grade | doctor``.

What a user did wrong is told in one message on standard error, never as a traceback; ``TLW_DEBUG=1`` shows that too.
Exit codes: 0 done, 1 something is broken, 2 the command cannot be carried out as given, 130 interrupted.
"""

from __future__ import annotations

import argparse
import difflib
import os
import shutil
import sys
import textwrap
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from tlwidgets import __version__
from tlwidgets.errors import RecipeError, TlwError

if TYPE_CHECKING:
    from tlwidgets.data import ImageData
    from tlwidgets.exercises.grading import Grade, GradeTable, Student
    from tlwidgets.training import Run


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code.

    Args:
        argv: The arguments after the program's name; those of the process by default.
    """
    parser = build_parser()
    arguments, rest = parser.parse_known_args(argv)
    if rest and arguments.command != "lab":  # what we do not know there is for JupyterLab
        parser.error(f"unrecognized arguments: {' '.join(rest)}")
    arguments.rest = rest
    try:
        code: int = arguments.carry_out(arguments)
    except KeyboardInterrupt:
        print("\nInterrupted.", file=sys.stderr)
        return 130
    except BrokenPipeError:  # the reader of our output has gone: `tlwidgets ... | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except Exception as error:  # the last line of defence: people get a message, not a traceback
        if os.environ.get("TLW_DEBUG"):
            raise
        print(f"tlwidgets: {describe(error)}", file=sys.stderr)
        return 2 if isinstance(error, TlwError) else 1
    return code


def describe(error: Exception) -> str:
    """What to tell a person about an error."""
    from tlwidgets.doctor import MISMATCH, MISMATCH_FIX

    if isinstance(error, TlwError):
        return str(error)
    if MISMATCH in str(error):
        return f"torch and torchvision do not fit together ({error}). {MISMATCH_FIX}"
    return (
        f"{type(error).__name__}: {error}. This was not foreseen: `tlwidgets doctor` checks the installation, and "
        "TLW_DEBUG=1 before the command shows where it happened."
    )


def build_parser() -> argparse.ArgumentParser:
    """The parser with all commands. It imports nothing heavy: ``--help`` answers at once."""
    parser = argparse.ArgumentParser(prog="tlwidgets", description="Transfer learning that people can see and steer.")
    parser.add_argument("--version", action="version", version=f"tlwidgets {__version__}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    add_train(commands)
    add_run_and_resume(commands)
    add_lab(commands)
    add_lessons(commands)
    add_check(commands)
    add_grade(commands)
    doctor = commands.add_parser("doctor", help="check the installation and this machine")
    doctor.set_defaults(carry_out=doctor_command)
    return parser


Commands = argparse._SubParsersAction  # argparse gives this type no public name


def add_train(commands: Commands[argparse.ArgumentParser]) -> None:
    """``tlwidgets train``: what people set most often; a recipe holds all of it."""
    train = commands.add_parser(
        "train",
        allow_abbrev=False,
        help="fine-tune a backbone on a folder of images or on bundled data",
        description="Fine-tune a backbone. A folder holds one sub-folder of images a class, or train/val/test of such.",
    )
    train.add_argument("data", metavar="FOLDER_OR_NAME", help="an image folder, or bundled data such as digits")
    train.add_argument(
        "--backbone", default="tlw_resnet", help="a bundled, timm or torchvision/... model (%(default)s)"
    )
    train.add_argument("--no-pretrained", action="store_true", help="begin from random weights, to compare")
    train.add_argument("--freeze-until", metavar="STAGE", help="freeze up to and including this stage; default: none")
    train.add_argument("--epochs", type=int, default=5, help="passes over the training images (%(default)s)")
    train.add_argument("--lr", type=float, help="learning rate of the head (default: suited to the network)")
    train.add_argument("--batch-size", type=int, default=32, help="images a step (%(default)s)")
    train.add_argument(
        "--augmentation",
        default="none",
        help="none, light, flip, or joined: light+crop+mixup (%(default)s)",
    )
    train.add_argument("--seed", type=int, default=0, help="of the split, the new head and the order (%(default)s)")
    train.add_argument("--out", metavar="FOLDER", help="where the run is kept; default: a new folder in runs/")
    train.set_defaults(carry_out=train_command)


def add_run_and_resume(commands: Commands[argparse.ArgumentParser]) -> None:
    """``tlwidgets run`` and ``tlwidgets resume``."""
    run = commands.add_parser("run", allow_abbrev=False, help="carry out a recipe written as YAML")
    run.add_argument("recipe", metavar="RECIPE.yaml")
    run.add_argument("--out", metavar="FOLDER", help="where the run is kept; default: a new folder in runs/")
    run.set_defaults(carry_out=run_command)
    resume = commands.add_parser("resume", allow_abbrev=False, help="go on with a run that was stopped or killed")
    resume.add_argument("run", metavar="FOLDER", help="the folder of the run")
    resume.set_defaults(carry_out=resume_command)


def add_lab(commands: Commands[argparse.ArgumentParser]) -> None:
    """``tlwidgets lab``: its own options are few; all others go to JupyterLab."""
    lab = commands.add_parser(
        "lab",
        allow_abbrev=False,
        help="open the Studio in JupyterLab",
        description="Copy the Studio's notebook into this folder, unless it is there already, and open JupyterLab on "
        "it. Options not named here go to JupyterLab: --no-browser, --port 8899, ...",
    )
    lab.add_argument("--lesson", metavar="NAME", default="00_studio", help="open this lesson instead of the Studio")
    lab.set_defaults(carry_out=lab_command)


def add_lessons(commands: Commands[argparse.ArgumentParser]) -> None:
    """``tlwidgets lessons``: what the course panel of JupyterLab shows and does."""
    lessons = commands.add_parser(
        "lessons",
        allow_abbrev=False,
        help="the course: list its lessons, open or reset one, show the progress",
        description="The course in this folder, or below it in transfer-learning/ if JupyterLab's launcher began it.",
    )
    lessons.add_argument(
        "action",
        nargs="?",
        default="list",
        choices=["list", "open", "reset", "progress"],
        help="list (default): names and titles; open N: copy lesson N here; reset N: a fresh copy, the old one kept "
        "under a dated name; progress: what is done and what comes next",
    )
    lessons.add_argument("lesson", nargs="?", metavar="N", help="number or name of a lesson, for open and reset")
    lessons.set_defaults(carry_out=lessons_command)


def add_check(commands: Commands[argparse.ArgumentParser]) -> None:
    """``tlwidgets check``."""
    check = commands.add_parser(
        "check",
        allow_abbrev=False,
        help="run a lesson's notebook and say which of its checks pass",
        description="Run a notebook from top to bottom in a kernel of its own. Exit code 1 if a check does not pass.",
    )
    check.add_argument("notebook", metavar="NOTEBOOK")
    check.add_argument("--timeout", type=int, default=600, help="seconds that one cell may take (%(default)s)")
    check.set_defaults(carry_out=check_command)


def add_grade(commands: Commands[argparse.ArgumentParser]) -> None:
    """``tlwidgets grade``."""
    grade = commands.add_parser(
        "grade",
        allow_abbrev=False,
        help="grade a folder of students' notebooks",
        description="Run every notebook in a process of its own, without network, and ask our own checks of what it "
        "has left. A row is a notebook or a student's sub-folder. With --csv the same command goes on where it was "
        "broken off, and grades only who is new or handed in something else. This confines mistakes, not malice: a "
        "notebook runs with your rights.",
    )
    grade.add_argument("folder", metavar="FOLDER", help="one notebook or one sub-folder a student; or one notebook")
    told = "keep the grades there, up to date while the grading runs; what was there is kept (without FILE: %(const)s)"
    grade.add_argument("--csv", metavar="FILE", nargs="?", const="grades.csv", help=told)
    grade.add_argument("--again", action="store_true", help="grade those too whose grade in the table still holds")
    grade.add_argument("--only", metavar="STUDENT", action="append", help="grade this one; may be given several times")
    grade.add_argument("--lesson", metavar="N", help="the lesson of all notebooks (default: each notebook tells)")
    grade.add_argument("--quiz", action="store_true", help="count the quiz questions too")
    grade.add_argument("--jobs", type=int, help="notebooks at a time (default: what cores and free memory allow)")
    grade.add_argument("--cell-limit", type=float, default=120, help="seconds that one cell may take (%(default)s)")
    grade.add_argument("--time-limit", type=float, default=900, help="seconds that one notebook may take (%(default)s)")
    grade.add_argument("--cpu-limit", type=int, default=600, help="processor seconds of one notebook (%(default)s)")
    grade.add_argument("--memory-limit", type=int, default=4000, help="megabytes of one notebook (%(default)s)")
    grade.set_defaults(carry_out=grade_command)


def train_command(arguments: argparse.Namespace) -> int:
    """Fine-tune as the arguments say and print the result."""
    import tlwidgets as tlw
    from tlwidgets.training.run_folder import check_free

    recipe = tlw.Recipe(
        data=arguments.data,
        backbone=arguments.backbone,
        pretrained=not arguments.no_pretrained,
        epochs=arguments.epochs,
        learning_rate=arguments.lr,
        batch_size=arguments.batch_size,
        augmentation=arguments.augmentation,
        seed=arguments.seed,
    )
    # All that can be wrong without the data is told before they are read.
    if arguments.out is not None:
        check_free(Path(arguments.out))
    if arguments.freeze_until is not None:
        recipe = recipe.replace(plan=tlw.FreezePlan(arguments.backbone).freeze_until(arguments.freeze_until))
    data = tlw.load_data(arguments.data, seed=arguments.seed)
    print_data(data)
    print_run(tlw.fit(recipe.replace(data=data), path=arguments.out))
    return 0


def run_command(arguments: argparse.Namespace) -> int:
    """Carry out the recipe of a file and print the result."""
    import tlwidgets as tlw

    path = Path(arguments.recipe)
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not text"
        raise RecipeError(f"Cannot read the recipe {path}: {reason}.", "Give the path of a YAML file.") from error
    print_run(tlw.fit(tlw.Recipe.from_yaml(text), path=arguments.out))
    return 0


def resume_command(arguments: argparse.Namespace) -> int:
    """Go on with a run and print the result."""
    import tlwidgets as tlw

    print_run(tlw.resume(arguments.run))
    return 0


def lab_command(arguments: argparse.Namespace) -> int:
    """Replace this process by JupyterLab on a copy of the notebook."""
    from tlwidgets import lab, lessons

    notebook = lessons.open_lesson(arguments.lesson, lessons.course_folder(Path.cwd()))
    print(f"Opening {notebook}. Stop JupyterLab with Ctrl-C.", flush=True)
    command = lab.lab_command(notebook, arguments.rest)
    os.execv(command[0], command)  # noqa: S606 - no shell: signals reach JupyterLab itself


def lessons_command(arguments: argparse.Namespace) -> int:
    """List, open or reset lessons, or print the progress."""
    action, name = arguments.action, arguments.lesson
    if (name is None) == (action in ("open", "reset")):
        raise TlwError(
            f"`tlwidgets lessons {action}` {'needs a' if name is None else 'takes no'} lesson.",
            f"Write `tlwidgets lessons {action}{' 1' * (name is None)}`.",
        )
    if action in ("open", "reset"):
        print_copy(action, name)
    else:
        print_course(with_progress=action == "progress")
    return 0


def check_command(arguments: argparse.Namespace) -> int:
    """Print what the checks of a notebook say; 1 where one does not pass."""
    from tlwidgets.lessons.checking import check_notebook

    outcomes = check_notebook(Path(arguments.notebook), arguments.timeout)
    width = max(len(outcome.id) for outcome in outcomes)
    for outcome in outcomes:
        print(f"{outcome.id:{width}}  {outcome.status}{' – ' * bool(outcome.text)}{outcome.text}")
    passed = sum(outcome.status == "passed" for outcome in outcomes)
    print(f"\n{passed} of {len(outcomes)} checks and quiz questions passed")
    return int(passed < len(outcomes))


def grade_command(arguments: argparse.Namespace) -> int:
    """Grade a folder, keep the table up to date after every student, print the summary."""
    from tlwidgets.exercises import grading

    limits = grading.Limits(arguments.cell_limit, arguments.time_limit, arguments.cpu_limit, arguments.memory_limit)
    folder = Path(arguments.folder)
    students = chosen_students(grading.find_students(folder), arguments.only)
    asked = {"lesson": arguments.lesson, "quizzes": arguments.quiz}
    table: GradeTable | None = None
    left = students
    if arguments.csv:
        kept = {"again": arguments.again, "keep_others": bool(arguments.only) or folder.is_file()}
        table = grading.GradeTable(Path(arguments.csv), students, limits, **asked, **kept)
        left = table.left
    graded = grading.grade_students(left, limits, **asked, jobs=grading_jobs(arguments))
    asked_for = {student.name for student in students}
    grades = follow_grading(graded, len(students), len(left), table)
    print(grading.summary([grade for grade in grades if grade.student in asked_for]))
    return 0


def chosen_students(students: list[Student], names: list[str] | None) -> list[Student]:
    """Those of the names; all where no name is given."""
    known = {student.name: student for student in students}
    for name in names or ():
        if name not in known:
            near = difflib.get_close_matches(name, known, n=3, cutoff=0.5)
            raise TlwError(f"No student is called {name!r}.", f"Nearest: {', '.join(near)}." * bool(near))
    return [known[name] for name in dict.fromkeys(names)] if names else students


def grading_jobs(arguments: argparse.Namespace) -> int:
    """Notebooks at a time: as said, else what this machine can do."""
    from tlwidgets.doctor import available_cores
    from tlwidgets.exercises import grading

    if arguments.jobs is not None:
        return int(arguments.jobs)
    return grading.sensible_jobs(available_cores(), grading.free_megabytes())


def follow_grading(graded: Iterator[Grade], total: int, left: int, table: GradeTable | None) -> list[Grade]:
    """Show how far the grading is and how long it will take, and keep each grade; all grades in the end."""
    from tqdm import tqdm

    grades = [] if table is None else table.grades
    if known := total - left:
        tell(f"{known} of {total} students have their grade already and handed in nothing else (--again grades all).")
    try:
        # The mean of all notebooks tells the time left, not of the latest: they differ, and come several at once.
        with tqdm(total=total, initial=known, unit="student", smoothing=0, disable=not left) as bar:
            for grade in graded:
                grades.append(grade)
                if table is not None:
                    table.add(grade)
                bar.update()
        if table is not None:
            table.close()
    except KeyboardInterrupt:
        tell_interrupted(grades, total, table)
        raise
    finally:
        if table is not None and table.backup is not None:
            tell(f"What was in {table.path} before is kept as {table.backup}.")
    return grades


def tell_interrupted(grades: list[Grade], total: int, table: GradeTable | None) -> None:
    """Say what there is of a grading that was broken off."""
    from tlwidgets.exercises import grading

    if table is None:
        print(grading.summary(grades))
        tell(f"\n{len(grades)} of {total} students were graded. With --csv they would be kept.")
    else:
        tell(f"\n{len(grades)} grades are kept in {table.path}. The same command goes on from there.")


def tell(text: str) -> None:
    """Say something beside the result, which standard output is for."""
    print(text, file=sys.stderr)


def doctor_command(_arguments: argparse.Namespace) -> int:
    """Print what was found; 1 where something keeps tlwidgets from working."""
    from tlwidgets.doctor import examine, report

    findings = examine()
    print(report(findings))
    return int(any(finding.status == "broken" for finding in findings))


def print_copy(action: str, name: str) -> None:
    """Open or reset a lesson and say where it is."""
    from tlwidgets import lessons

    folder = lessons.course_folder(Path.cwd())
    if action == "reset":
        copy, backup = lessons.reset_lesson(name, folder)
        print(f"{copy} is fresh." + (f" What was there is kept as {backup.name}." if backup else ""))
    else:
        copy = lessons.open_lesson(name, folder)
        print(f"{copy} is yours. Open it in JupyterLab, or with `tlwidgets lab --lesson {copy.stem}`.")


def print_course(*, with_progress: bool) -> None:
    """The lessons one a line, with how each stands where that is asked for."""
    from tlwidgets import lessons

    course, folder = lessons.list_lessons(), lessons.course_folder(Path.cwd())
    progress = lessons.read_progress(folder)
    if with_progress and progress.problem:
        print(f"{folder / lessons.FILE} is {progress.problem}: it is kept under another name at the next check.\n")
    width = max(len(lesson.name) for lesson in course)
    for lesson in course:
        stands = lessons.standing(lesson, progress.lessons)
        score = f"{stands.passed} of {stands.exercises} exercises, quiz {stands.answered} of {stands.quizzes}"
        print(f"{lesson.name:{width}}  " + (f"{stands.word:7}  {score}" if with_progress else lesson.title))
    following = lessons.next_lesson(course, progress.lessons)
    if with_progress and following:
        print(f"\nNext: {following.title}, `tlwidgets lessons open {following.number}`.")
    elif not with_progress:
        print(f"\nOpen one with `tlwidgets lessons open {course[-1].number}`.")


def print_data(data: ImageData) -> None:
    """Say what was found before the work begins: files that cannot be read are easily overlooked."""
    counts = ", ".join(f"{count} {split}" for split, count in data.splits.items())
    print(f"{data.name}: {len(data.labels)} images of {len(data.classes)} classes ({counts})")
    if data.set_aside:
        count = len(data.set_aside)
        print(f"{count} file{'s' * (count != 1)} set aside:")
        for item in data.set_aside[:5]:
            print(textwrap.shorten(f"  {item.path}: {item.reason}", shutil.get_terminal_size().columns))
        if count > 5:
            print(f"  ... and {count - 5} more")


def print_run(run: Run) -> None:
    """The epochs as a table, the result on the test images, and what can be done next."""
    columns = ["epoch", "train_loss", "train_accuracy", "val_loss", "val_accuracy", "learning_rate", "seconds"]
    if not run.head_trained:
        columns = ["epoch", "train_loss", "learning_rate", "seconds"]
    history = run.history.reindex(columns=[name for name in columns if name in run.history])
    print(history.to_string(index=False, float_format=lambda value: f"{value:.4g}"))
    test = run.metrics.get("test")
    if test and not run.head_trained:
        print(f"\n{run.recipe.method} trains no head: use the run as a backbone, run:{run.path}")
    elif test:
        print(f"\nTest accuracy {test['accuracy']:.1%} (loss {test['loss']:.4f}, {test['n']} images)")
    print(f"Kept in {run.path} ({run.status}): tlwidgets.Run.load({str(run.path)!r})")
