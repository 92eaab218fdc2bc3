import assert from "node:assert/strict";
import test from "node:test";
import cases from "../../../../tests/lessons/next_lesson.json";
import { catalogueProblem, type Lesson, lessonOf, nextLesson, type Progress, standing, understand } from "../../src/shared/course";

const lesson = (number: string, needs: string[], exercises = ["x"]): Lesson => ({
  name: number,
  number,
  title: number,
  topic: number,
  minutes: 30,
  needs,
  exercises: exercises.map((id) => ({ id, title: id })),
  quizzes: [],
  predictions: [],
});

for (const { says, needs, done, begun, words, next } of cases) {
  test(`what comes next, as Python says it: ${says}`, () => {
    const lessons = Object.entries(needs).map(([number, wanted]) => lesson(number, wanted ?? []));
    const progress: Progress = {};
    for (const number of begun) progress[number] = { started: "s" };
    for (const number of done) progress[number] = { checks: { x: { passed: "now" } } };
    assert.equal(nextLesson(lessons, progress)?.number ?? null, next);
    assert.deepEqual(Object.fromEntries(lessons.map((one) => [one.number, standing(one, progress).word])), words);
  });
}

const whole = { format: "tlwidgets progress", version: 1, lessons: { "01": { checks: { x: { passed: "now" } } } } };

test("a whole progress file is understood", () => {
  assert.deepEqual(understand(whole), { lessons: whole.lessons, problem: "" });
});

for (const content of [
  null, [], "text", 3, {}, { ...whole, format: "other" }, { ...whole, version: "1" }, { ...whole, lessons: [] },
  { ...whole, lessons: { "01": 3 } }, { ...whole, lessons: { "01": { checks: [] } } }, { ...whole, lessons: { "01": { quiz: { a: null } } } },
]) {
  test(`${JSON.stringify(content)} is a damaged progress file`, () => assert.deepEqual(understand(content), { lessons: {}, problem: "damaged" }));
}

test("a newer progress file is told from a damaged one", () => {
  assert.equal(understand({ ...whole, version: 2, lessons: "all new" }).problem, "newer");
});

test("names that every object has are no progress", () => {
  const { lessons } = understand(JSON.parse('{"format":"tlwidgets progress","version":1,"lessons":{"__proto__":{"checks":{}}}}'));
  assert.equal(standing({ ...lesson("x", []), name: "constructor" }, lessons).word, "new");
  assert.equal(standing({ ...lesson("x", [], ["toString"]), name: "y" }, { y: { checks: {} } }).passed, 0);
});

test("a catalogue of another version, or none at all, is told", () => {
  assert.equal(catalogueProblem({ format: "tlwidgets course", version: 1, lessons: [] }), "");
  for (const content of [null, [], {}, { format: "tlwidgets course", version: 2 }, { format: "tlwidgets course", version: 1 }]) assert.notEqual(catalogueProblem(content), "");
});

test("a lesson is known by its exercises, whatever its file is called", () => {
  const lessons = [lesson("01", [], ["a", "b"]), lesson("02", [], ["c", "d"])];
  assert.equal(lessonOf(lessons, ["b", "c", "d"])?.number, "02");
  assert.equal(lessonOf(lessons, ["other"]), null);
  assert.equal(lessonOf([], ["a"]), null);
});
