import assert from "node:assert/strict";
import test from "node:test";
import { ProgressStore } from "../src/store";
import { FakeContents, type Tree } from "./fake_contents";

const PATH = "a/tlwidgets-progress.json";

function store(files: Tree = {}): { contents: FakeContents; store: ProgressStore } {
  const contents = new FakeContents({ "a/": null, ...files });
  return { contents, store: new ProgressStore(contents as never) };
}

const written = (contents: FakeContents): Record<string, never> => JSON.parse(String(contents.files.get(PATH)));

test("without a file nothing has been done, and looking makes none", async () => {
  const { contents, store: progress } = store();
  assert.deepEqual(await progress.read("a"), { lessons: {}, problem: "" });
  assert.deepEqual(await progress.read("not/there"), { lessons: {}, problem: "" });
  assert.deepEqual([contents.files.has(PATH), contents.missed], [false, []]);
});

test("a begun lesson is noted once, in the form that Python writes", async () => {
  const { contents, store: progress } = store();
  assert.equal(await progress.begin("a", "01"), "");
  const first = contents.files.get(PATH);
  await progress.begin("a", "01");
  assert.equal(contents.files.get(PATH), first);
  const { format, version, lessons } = written(contents);
  assert.deepEqual([format, version], ["tlwidgets progress", 1]);
  assert.match(lessons["01"]["started"], /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+00:00$/);
});

test("what kernels and others wrote into the file is kept", async () => {
  const kept = { format: "tlwidgets progress", version: 1, teacher: "ä", lessons: { "01": { checks: { x: { passed: "now" } } } } };
  const { contents, store: progress } = store({ [PATH]: JSON.stringify(kept) });
  await progress.begin("a", "02");
  const { lessons, ...rest } = written(contents) as unknown as typeof kept;
  assert.deepEqual([rest.teacher, lessons["01"]], ["ä", kept.lessons["01"]]);
  assert.ok("02" in lessons);
});

for (const [problem, text] of [["damaged", "{"], ["newer", '{"format":"tlwidgets progress","version":7}']] as const) {
  test(`a ${problem} file is only looked at, and kept under another name before a new one is begun`, async () => {
    const { contents, store: progress } = store({ [PATH]: text });
    assert.equal((await progress.read("a")).problem, problem);
    assert.equal(contents.files.get(PATH), text);
    const aside = await progress.begin("a", "01");
    assert.match(aside, new RegExp(`^tlwidgets-progress\\.${problem}-\\d{8}-\\d{6}\\.json$`));
    assert.equal(contents.files.get(`a/${aside}`), text);
    assert.ok("01" in written(contents)["lessons"]);
  });
}
