import assert from "node:assert/strict";
import test from "node:test";
import { Turns } from "../src/turns";

const pause = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 1));

/** Work that notes when it begins and when it ends. */
function work(name: string, notes: string[], fails = false) {
  return async (): Promise<string> => {
    notes.push(`${name} begins`);
    await pause();
    notes.push(`${name} ends`);
    if (fails) throw new Error(name);
    return name;
  };
}

test("what is asked for twice is done twice, one after the other", async () => {
  const [turns, notebook, notes] = [new Turns(), {}, [] as string[]];
  const said = await Promise.all([turns.take(notebook, work("a", notes)), turns.take(notebook, work("b", notes))]);
  assert.deepEqual(said, ["a", "b"]);
  assert.deepEqual(notes, ["a begins", "a ends", "b begins", "b ends"]);
});

test("work that fails says so to whoever asked for it, and keeps nobody waiting", async () => {
  const [turns, notebook, notes] = [new Turns(), {}, [] as string[]];
  const first = turns.take(notebook, work("a", notes, true));
  const second = turns.take(notebook, work("b", notes));
  await assert.rejects(first, /a/);
  assert.equal(await second, "b");
});

test("two notebooks do not wait for each other", async () => {
  const [turns, notes] = [new Turns(), [] as string[]];
  await Promise.all([turns.take({}, work("a", notes)), turns.take({}, work("b", notes))]);
  assert.deepEqual(notes.slice(0, 2), ["a begins", "b begins"]);
});
