import assert from "node:assert/strict";
import test from "node:test";
import { comparison, listRuns, readRecipe } from "../src/runs";
import { below } from "../src/answers";
import { FakeContents } from "./fake_contents";

const RECIPE = "data: digits\nbackbone: tlw_resnet\nplan:\n  stem: frozen\n  stage1: norm\n  head: trainable\nepochs: 5\n";

test("the backbone and the plan are read from a recipe", () => {
  assert.deepEqual(readRecipe(RECIPE), { backbone: "tlw_resnet", plan: "2 of 3 stages learn" });
  assert.deepEqual(readRecipe("backbone: 'it''s: mine'\nplan: null\n"), { backbone: "it's: mine", plan: "every stage learns" });
  assert.deepEqual(readRecipe("backbone: \"a\\tb\"\nplan:\n  'odd: name': frozen\n  head: trainable\n"), { backbone: "a\tb", plan: "1 of 2 stages learn" });
  assert.deepEqual(readRecipe(""), { backbone: "", plan: "every stage learns" });
});

test("runs are found in several folders and read as far as they go", async () => {
  const contents = new FakeContents({
    "runs/first/recipe.yaml": RECIPE,
    "runs/first/metrics.json": '{"test": {"accuracy": 0.91}}',
    "runs/first/status.json": '{"status": "finished"}',
    "runs/half/recipe.yaml": RECIPE,
    "runs/half/metrics.json": "{",
    "runs/other/notes.txt": "no run",
    "runs/file": "text",
    "course/runs/second/recipe.yaml": RECIPE,
  });
  const { runs, more } = await listRuns(contents as never, ["course", "", "absent", ""]);
  assert.deepEqual(runs.map(({ path }) => path).sort(), ["course/runs/second", "runs/first", "runs/half"]);
  const first = runs.find(({ name }) => name === "first");
  assert.deepEqual([first?.accuracy, first?.status, first?.backbone, more], [0.91, "finished", "tlw_resnet", 0]);
  assert.equal(runs.find(({ name }) => name === "half")?.accuracy, null);
  assert.deepEqual(contents.missed, []);
});

test("a run whose method trains no head has no accuracy", async () => {
  const contents = new FakeContents({
    "runs/filled/recipe.yaml": RECIPE,
    "runs/filled/metrics.json": '{"test": {"accuracy": 0.11}}',
    "runs/filled/status.json": '{"status": "finished", "head_trained": false}',
  });
  const { runs } = await listRuns(contents as never, [""]);
  assert.deepEqual(runs.map(({ accuracy, headTrained }) => [accuracy, headTrained]), [[null, false]]);
});

test("of very many runs the newest are shown and the others counted", async () => {
  const files = Object.fromEntries(Array.from({ length: 60 }, (_, number) => [`runs/${number}/recipe.yaml`, RECIPE]));
  const { runs, more } = await listRuns(new FakeContents(files) as never, [""]);
  assert.deepEqual([runs.length, more], [50, 10]);
});

test("a folder of the settings stays below the one that Jupyter shows", () => {
  assert.deepEqual([" /a/b/ ", "../../etc", "a\\b", "", ".", "ä ö"].map(below), ["a/b", "etc", "a/b", "", "", "ä ö"]);
});

test("runs of several folders are compared folder by folder, and names are quoted", () => {
  assert.deepEqual(comparison(["runs/a", 'runs/"b"', "../runs/c"]), [
    "import tlwidgets as tlw",
    'tlw.RunCompare("runs", runs=["a","\\"b\\""])',
    'tlw.RunCompare("../runs", runs=["c"])',
  ]);
});
