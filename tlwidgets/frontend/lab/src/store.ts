import type { Contents } from "@jupyterlab/services";
import { emptyProgress, type Problem, type Progress, PROGRESS_FILE, understand } from "../../src/shared/course";
import { join, stamp } from "./answers";
import { Tree } from "./tree";

type Files = Pick<Contents.IManager, "get" | "save" | "rename">;

export interface Kept {
  lessons: Progress;
  problem: Problem;
}

/** The progress file of a folder. Kernels write the answers into it; the page adds only which lessons were begun. */
export class ProgressStore {
  constructor(private readonly files: Files) {}

  async read(folder: string, tree = new Tree(this.files)): Promise<Kept> {
    const file = await this.file(folder, tree);
    return file === null ? { lessons: {}, problem: "" } : understand(parse(file.content));
  }

  async exists(folder: string, tree = new Tree(this.files)): Promise<boolean> {
    return (await tree.find(join(folder, PROGRESS_FILE)))?.type === "file";
  }

  /**
   * Note that a lesson was begun. A file that is damaged, or of a newer version, first gets another name.
   *
   * Returns that name, or "".
   */
  async begin(folder: string, lesson: string): Promise<string> {
    const path = join(folder, PROGRESS_FILE);
    const file = await this.file(folder, new Tree(this.files));
    let content = emptyProgress();
    let aside = "";
    if (file !== null) {
      const said = parse(file.content);
      const { problem, lessons } = understand(said);
      if (problem === "" && Object.hasOwn(lessons, lesson)) return "";
      if (problem === "") content = said as typeof content;
      else aside = await this.setAside(folder, problem);
    }
    content.lessons[lesson] = { ...content.lessons[lesson], started: new Date().toISOString().replace(/\.\d+Z$/, "+00:00") };
    await this.files.save(path, { type: "file", format: "text", content: `${JSON.stringify(content, null, 2)}\n` });
    return aside;
  }

  private async setAside(folder: string, problem: Problem): Promise<string> {
    const name = `${PROGRESS_FILE.replace(/\.json$/, "")}.${problem}-${stamp()}.json`;
    await this.files.rename(join(folder, PROGRESS_FILE), join(folder, name));
    return name;
  }

  private async file(folder: string, tree: Tree): Promise<Contents.IModel | null> {
    if (!(await this.exists(folder, tree))) return null;
    return this.files.get(join(folder, PROGRESS_FILE), { type: "file", format: "text", content: true });
  }
}

function parse(text: unknown): unknown {
  try {
    return JSON.parse(String(text));
  } catch {
    return null;
  }
}
