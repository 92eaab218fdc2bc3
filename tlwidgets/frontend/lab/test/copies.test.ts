import assert from "node:assert/strict";
import test from "node:test";
import { Copies } from "../src/copies";
import { FakeContents, Refusal, type Tree } from "./fake_contents";

const FRESH = { cells: ["fresh"] };
const MINE = { cells: ["mine"] };
const NAME = "01_what_transfers";

function copies(files: Tree = {}): { contents: FakeContents; copies: Copies } {
  const contents = new FakeContents(files);
  return { contents, copies: new Copies(contents as never, async () => FRESH, "originals") };
}

test("a lesson is copied into a folder that is made for it", async () => {
  const made = copies();
  assert.deepEqual(await made.copies.open("a/b", NAME), { path: `a/b/${NAME}.ipynb`, how: "made", note: "" });
  assert.equal(made.contents.files.get(`a/b/${NAME}.ipynb`), FRESH);
  assert.deepEqual(made.contents.missed, []);
});

test("a copy that is there is opened and never written over", async () => {
  const made = copies({ [`a/${NAME}.ipynb`]: MINE });
  assert.equal((await made.copies.open("a", NAME)).how, "kept");
  assert.equal(made.contents.files.get(`a/${NAME}.ipynb`), MINE);
});

test("a folder with the lesson's name is passed by, and that is said", async () => {
  const made = copies({ [`a/${NAME}.ipynb/`]: null });
  const copy = await made.copies.open("a", NAME);
  assert.equal(copy.path, `a/${NAME}-2.ipynb`);
  assert.match(copy.note, /folder/);
  assert.equal((await made.copies.open("a", NAME)).how, "kept");
});

test("a folder that cannot be written gives the read-only original, and that is said", async () => {
  const made = copies({ "a/": null });
  made.contents.readOnly = true;
  const copy = await made.copies.open("a", NAME);
  assert.deepEqual([copy.path, copy.how], [`originals:${NAME}.ipynb`, "read-only"]);
  assert.match(copy.note, /read-only copy/);
});

test("a full disk is no read-only folder: it is told as it is", async () => {
  const made = copies({ "a/": null });
  made.contents.save = () => Promise.reject(new Refusal(500, "No space left on device"));
  await assert.rejects(made.copies.open("a", NAME), /No space left/);
});

test("a file in the place of the folder is told, with what to do", async () => {
  const made = copies({ a: "text" });
  await assert.rejects(made.copies.open("a/b", NAME), /“a” is a file.*Settings/);
});

test("a reset keeps what there was under a dated name", async () => {
  const made = copies({ [`a/${NAME}.ipynb`]: MINE });
  const { path, backup } = await made.copies.reset("a", NAME);
  assert.match(backup, /^a\/01_what_transfers\.backup-\d{8}-\d{6}\.ipynb$/);
  assert.equal(made.contents.files.get(backup), MINE);
  assert.equal(made.contents.files.get(path), FRESH);
});

test("two resets in one second keep both copies", async () => {
  const made = copies({ [`a/${NAME}.ipynb`]: MINE });
  const [one, other] = [await made.copies.reset("a", NAME), await made.copies.reset("a", NAME)];
  assert.notEqual(one.backup, other.backup);
  assert.equal(made.contents.files.get(one.backup), MINE);
});

test("a reset that cannot write leaves the copy where it was", async () => {
  const made = copies({ [`a/${NAME}.ipynb`]: MINE });
  made.contents.save = () => Promise.reject(new Refusal(500, "No space left on device"));
  await assert.rejects(made.copies.reset("a", NAME), /No space left/);
  assert.deepEqual([...made.contents.files], [[`a/${NAME}.ipynb`, MINE]]);
});

test("a lesson whose original is gone changes nothing", async () => {
  const contents = new FakeContents({ [`a/${NAME}.ipynb`]: MINE });
  const broken = new Copies(contents as never, () => Promise.reject(new Error("missing from this installation")), "originals");
  await assert.rejects(broken.reset("a", NAME), /missing/);
  await assert.rejects(broken.open("b", NAME), /missing/);
  assert.deepEqual([...contents.files], [[`a/${NAME}.ipynb`, MINE]]);
});
