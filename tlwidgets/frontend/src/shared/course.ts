// The course as data: the catalogue, a learner's progress, and how a lesson stands. tlwidgets/lessons has the same rules.

export interface Lesson {
  name: string;
  number: string;
  title: string;
  topic: string;
  minutes: number | null;
  needs: string[];
  exercises: Array<{ id: string; title: string }>;
  quizzes: string[];
  predictions: string[];
}

type Group = Record<string, Record<string, unknown>>;
export type Entry = Record<string, unknown> & { started?: unknown; checks?: Group; quiz?: Group; predictions?: Group };
export type Progress = Record<string, Entry>;
export type Problem = "" | "damaged" | "newer";

export const PROGRESS_FILE = "tlwidgets-progress.json";
const FORMAT = "tlwidgets progress";
const VERSION = 1;
const GROUPS = ["checks", "quiz", "predictions"] as const;

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

const isGroup = (value: unknown): boolean => value === undefined || (isObject(value) && Object.values(value).every(isObject));

const isEntry = (value: unknown): boolean => isObject(value) && GROUPS.every((group) => isGroup(value[group]));

export function emptyProgress(): Record<string, unknown> & { lessons: Progress } {
  return { format: FORMAT, version: VERSION, lessons: {} };
}

/** What the content of a progress file means; every shape that this version does not write is "damaged". */
export function understand(content: unknown): { lessons: Progress; problem: Problem } {
  const nothing = (problem: Problem): { lessons: Progress; problem: Problem } => ({ lessons: {}, problem });
  if (!isObject(content) || content["format"] !== FORMAT || !Number.isInteger(content["version"])) return nothing("damaged");
  if ((content["version"] as number) > VERSION) return nothing("newer");
  const lessons = content["lessons"];
  if (!isObject(lessons) || !Object.values(lessons).every(isEntry)) return nothing("damaged");
  return { lessons: lessons as Progress, problem: "" };
}

/** Why a catalogue cannot be used, or "". */
export function catalogueProblem(content: unknown): string {
  if (!isObject(content) || content["format"] !== "tlwidgets course") return "it is not a catalogue of tlwidgets";
  if (content["version"] !== 1) return "another version of tlwidgets wrote it";
  return Array.isArray(content["lessons"]) ? "" : "it holds no lessons";
}

function own<Value>(record: Record<string, Value> | undefined, key: string): Value | undefined {
  return record && Object.hasOwn(record, key) ? record[key] : undefined;
}

export const isRight = (group: Group | undefined, name: string): boolean => Boolean(own(group, name)?.["passed"]);

export interface Standing {
  word: "new" | "started" | "done";
  passed: number;
  exercises: number;
  answered: number;
  quizzes: number;
}

export const entryOf = (lesson: Lesson, progress: Progress): Entry => own(progress, lesson.name) ?? {};

export function standing(lesson: Lesson, progress: Progress): Standing {
  const entry = entryOf(lesson, progress);
  const passed = lesson.exercises.filter(({ id }) => isRight(entry.checks, id)).length;
  const answered = lesson.quizzes.filter((id) => isRight(entry.quiz, id)).length;
  const [exercises, quizzes] = [lesson.exercises.length, lesson.quizzes.length];
  const started = Object.keys(entry).length > 0;
  const word = !started ? "new" : passed === exercises && answered === quizzes ? "done" : "started";
  return { word, passed, exercises, answered, quizzes };
}

/** A lesson already begun, else the first whose prerequisites are done, else the first not done; prerequisites that are not there ask for nothing. */
export function nextLesson(lessons: Lesson[], progress: Progress): Lesson | null {
  const words = new Map(lessons.map((lesson) => [lesson.number, standing(lesson, progress).word]));
  const unfinished = lessons.filter((lesson) => words.get(lesson.number) !== "done");
  const ready = unfinished.filter((lesson) => lesson.needs.every((number) => (words.get(number) ?? "done") === "done"));
  const begun = unfinished.filter((lesson) => words.get(lesson.number) === "started");
  return begun[0] ?? ready[0] ?? unfinished[0] ?? null;
}

/** The lesson that a notebook is a copy of, by the exercises that it checks: its name may have been changed. */
export function lessonOf(lessons: Lesson[], checked: string[]): Lesson | null {
  const shared = (lesson: Lesson): number => lesson.exercises.filter(({ id }) => checked.includes(id)).length;
  const best = [...lessons].sort((one, other) => shared(other) - shared(one))[0];
  return best && shared(best) > 0 ? best : null;
}
