import type { Lesson } from "../../src/shared/course";
import { LAB } from "./strings";

export interface Outcome {
  id: string;
  title: string;
  status: "passed" | "open" | "failed";
  /** The first hint, or why it could not run. */
  text: string;
}

interface Output {
  output_type: string;
  data?: Record<string, unknown>;
  ename?: string;
  evalue?: string;
}

const SAID = /^(?:check|quiz) ([^\s:]+): (passed|not yet)(?: – (.*))?$/m;

/** What the outputs of a check's cell say. The first line of a result is written for programs: `check wt-gain: passed`. */
export function outcome(id: string, title: string, outputs: Output[] | null): Outcome {
  if (outputs === null) return { id, title, status: "failed", text: LAB.checks.notThere };
  for (const output of outputs) {
    const said = SAID.exec(textOf(output));
    if (said?.[1] === id) return { id, title, status: said[2] === "passed" ? "passed" : "open", text: said[3] ?? "" };
  }
  const error = outputs.find((output) => output.output_type === "error");
  return { id, title, status: "failed", text: error ? explain(error) : LAB.checks.saidNothing };
}

function textOf(output: Output): string {
  const text = output.data?.["text/plain"] ?? output.evalue ?? "";
  return Array.isArray(text) ? text.join("") : String(text);
}

function explain(error: Output): string {
  const said = `${error.ename ?? ""}: ${error.evalue ?? ""}`;
  return error.ename === "NameError" ? `${said}. ${LAB.checks.notDefined}` : said;
}

export interface Mark {
  grade?: boolean;
  solution?: boolean;
  grade_id?: string;
}

/** nbgrader's mark of a cell, whatever the metadata hold. */
export function markOf(metadata: unknown): Mark {
  return typeof metadata === "object" && metadata !== null ? (metadata as Mark) : {};
}

/** Exercises that a notebook checks, by the marks of its cells. */
export function checkedIn(marks: Mark[]): string[] {
  return marks.filter((mark) => mark.grade).map((mark) => String(mark.grade_id).replace(/-check$/, ""));
}

export interface Step {
  id: string;
  title: string;
  /** Cells to run, by index: the answer, then what checks it. Empty where the check is gone. */
  cells: number[];
}

/** What to run to check a lesson, in the order of the course; an answer is run before its check, for it may have been edited since. */
export function steps(lesson: Lesson, marks: Mark[]): Step[] {
  const at = (test: (mark: Mark) => boolean | undefined): number[] => marks.flatMap((mark, index) => (test(mark) ? [index] : []));
  const exercises = lesson.exercises.map(({ id, title }) => {
    const checks = at((mark) => mark.grade && mark.grade_id === `${id}-check`).slice(-1); // the last of duplicates counts
    const answers = at((mark) => mark.solution && mark.grade_id === id).filter((index) => index < (checks[0] ?? 0));
    return { id, title, cells: checks.length ? [...answers, ...checks] : [] };
  });
  const quizzes = lesson.quizzes.map((id, number) => ({
    id,
    title: `${LAB.checks.quiz} ${number + 1}`,
    cells: at((mark) => mark.solution && mark.grade_id === id).slice(-1),
  }));
  return [...exercises, ...quizzes];
}
