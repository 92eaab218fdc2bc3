import assert from "node:assert/strict";
import test from "node:test";
import { checkedIn, markOf, outcome, steps } from "../src/outcomes";
import type { Lesson } from "../../src/shared/course";

const said = (text: string | string[]) => [{ output_type: "execute_result", data: { "text/plain": text } }];
const LESSON: Lesson = {
  name: "01", number: "01", title: "01", topic: "01", minutes: null, needs: [],
  exercises: [{ id: "a", title: "First" }, { id: "b", title: "Second" }], quizzes: ["q"], predictions: ["p"],
};

test("a check that passed, one that did not, and one that raised because a grader asked it to", () => {
  assert.deepEqual(outcome("a", "First", said("check a: passed")), { id: "a", title: "First", status: "passed", text: "" });
  assert.deepEqual(outcome("a", "First", said(["check a: not yet ", "– look again"])).text, "look again");
  const raised = [{ output_type: "error", ename: "AssertionError", evalue: "check a: not yet – look again" }];
  assert.equal(outcome("a", "First", raised).status, "open");
});

test("what cannot be judged says why", () => {
  assert.match(outcome("a", "", null).text, /not in this notebook/);
  assert.match(outcome("a", "", []).text, /said nothing/);
  assert.match(outcome("a", "", said("check other: passed")).text, /said nothing/);
  assert.match(outcome("a", "", [{ output_type: "error", ename: "NameError", evalue: "name 'x' is not defined" }]).text, /Run the cells above/);
});

test("the answer is run before its check, the last of duplicates counts, and what is gone has no cells", () => {
  const marks = [
    {}, { solution: true, grade_id: "a" }, { grade: true, grade_id: "a-check" }, { grade: true, grade_id: "a-check" },
    { solution: true, grade_id: "p" }, { solution: true, grade_id: "q" },
  ];
  assert.deepEqual(steps(LESSON, marks).map(({ id, cells }) => [id, cells]), [["a", [1, 3]], ["b", []], ["q", [5]]]);
  assert.deepEqual(checkedIn(marks), ["a", "a"]);
});

test("metadata of any shape is borne", () => {
  for (const metadata of [undefined, null, 3, "x", []]) assert.deepEqual(checkedIn([markOf(metadata)]), []);
});
