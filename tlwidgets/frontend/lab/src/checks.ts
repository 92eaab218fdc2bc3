import { CodeCell } from "@jupyterlab/cells";
import type { NotebookPanel } from "@jupyterlab/notebook";
import type { Lesson } from "../../src/shared/course";
import { reasonOf } from "./answers";
import { markOf, type Mark, outcome, type Outcome, type Step, steps } from "./outcomes";
import { LAB } from "./strings";

/** nbgrader's marks of a notebook's cells, in their order. */
export function marksOf(panel: NotebookPanel): Mark[] {
  return panel.content.widgets.map((cell) => markOf(cell.model.getMetadata("nbgrader")));
}

/**
 * Run the answers and checks of a lesson in its notebook's kernel: each result appears below its own cell, as if a
 * person had run it, and is told to `heard` as it comes.
 */
export async function runChecks(panel: NotebookPanel, lesson: Lesson, heard: (outcomes: Outcome[]) => void): Promise<Outcome[]> {
  await panel.sessionContext.ready;
  if (!panel.sessionContext.session?.kernel) throw new Error(LAB.noKernel);
  const found: Outcome[] = [];
  for (const step of steps(lesson, marksOf(panel))) {
    found.push(await runStep(panel, step));
    heard(found);
  }
  return found;
}

async function runStep(panel: NotebookPanel, step: Step): Promise<Outcome> {
  const cells = step.cells.map((index) => panel.content.widgets[index]).filter((cell) => cell instanceof CodeCell);
  const last = cells.at(-1);
  if (!last) return outcome(step.id, step.title, null);
  for (const cell of cells) {
    const before = cell.model.executionCount;
    try {
      await CodeCell.execute(cell, panel.sessionContext, goingOn(cell));
    } catch (error) {
      // A cell that raised is feedback, and its output says so; a kernel that went away leaves none.
      if (cell.model.executionCount === before && cell.model.outputs.length === 0) return { ...step, status: "failed", text: reasonOf(error) };
    }
    if (cell !== last && failed(cell)) return outcome(step.id, step.title, cell.model.outputs.toJSON() as never);
  }
  return outcome(step.id, step.title, last.model.outputs.toJSON() as never);
}

/**
 * An answer that raises is to be expected here. Without this tag the kernel would then drop all that waits for it, such as
 * cells that the person has run since.
 */
function goingOn(cell: CodeCell): { tags: string[] } {
  const tags = cell.model.getMetadata("tags") as unknown;
  return { tags: [...(Array.isArray(tags) ? (tags as string[]) : []), "raises-exception"] };
}

function failed(cell: CodeCell): boolean {
  return cell.model.outputs.toJSON().some((output) => output.output_type === "error");
}

/** Bring the cell of a check into view. */
export function showCheck(panel: NotebookPanel, id: string): void {
  const marks = marksOf(panel);
  const checks = marks.map((mark) => mark.grade_id === `${id}-check`);
  const answers = marks.map((mark) => Boolean(mark.solution) && mark.grade_id === id);
  const index = checks.includes(true) ? checks.lastIndexOf(true) : answers.lastIndexOf(true);
  const cell = panel.content.widgets[index];
  if (!cell) return;
  panel.content.activeCellIndex = index;
  void panel.content.scrollToCell(cell, "center");
}
