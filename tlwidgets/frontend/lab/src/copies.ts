import type { Contents } from "@jupyterlab/services";
import { isForbidden, join, stamp } from "./answers";
import { LAB } from "./strings";
import { Tree } from "./tree";

type Files = Pick<Contents.IManager, "get" | "save" | "rename">;

export interface Copy {
  path: string;
  /** "made" now, "kept" from before, or "read-only": there is none, for the folder cannot be written. */
  how: "made" | "kept" | "read-only";
  /** What the person should be told, or "". */
  note: string;
}

/** Copies of the lessons in a person's folder. What is there is somebody's work: it is opened, never written over. */
export class Copies {
  constructor(
    private readonly files: Files,
    /** The original of a lesson. */
    private readonly original: (name: string) => Promise<unknown>,
    /** Where the read-only originals are shown. */
    private readonly drive: string,
  ) {}

  async open(folder: string, name: string): Promise<Copy> {
    const { path, taken } = await this.place(folder, name);
    const note = path === join(folder, `${name}.ipynb`) ? "" : LAB.collides(`${name}.ipynb`, path);
    if (taken) return { path, how: "kept", note };
    const content = await this.original(name);
    try {
      await this.ensure(folder);
      await this.write(path, content);
    } catch (error) {
      if (!isForbidden(error)) throw error;
      return { path: `${this.drive}:${name}.ipynb`, how: "read-only", note: LAB.readOnly(folder || "/") };
    }
    return { path, how: "made", note };
  }

  /** A fresh copy; what was there is kept under a dated name. A copy that cannot be made leaves everything as it was. */
  async reset(folder: string, name: string): Promise<{ path: string; backup: string }> {
    const { path, taken } = await this.place(folder, name);
    const content = await this.original(name);
    await this.ensure(folder);
    const backup = taken ? await this.free(path.replace(/\.ipynb$/, `.backup-${stamp()}`)) : "";
    if (taken) await this.files.rename(path, backup);
    try {
      await this.write(path, content);
    } catch (error) {
      if (taken) await this.files.rename(backup, path);
      throw error;
    }
    return { path, backup };
  }

  /** Where the copy lies or goes; a folder of its name is passed by. */
  async place(folder: string, name: string): Promise<{ path: string; taken: boolean }> {
    for (let number = 1; ; number += 1) {
      const path = join(folder, `${name}${number === 1 ? "" : `-${number}`}.ipynb`);
      const found = await this.look(path);
      if (found?.type !== "directory") return { path, taken: found !== null };
    }
  }

  /** Make a folder and those above it. */
  async ensure(folder: string): Promise<void> {
    let path = "";
    for (const part of folder.split("/").filter((name) => name !== "")) {
      path = join(path, part);
      const found = await this.look(path);
      if (found === null) await this.files.save(path, { type: "directory" });
      else if (found.type !== "directory") throw new Error(LAB.notAFolder(path));
    }
  }

  private async free(stem: string): Promise<string> {
    let path = `${stem}.ipynb`;
    for (let number = 2; (await this.look(path)) !== null; number += 1) path = `${stem}-${number}.ipynb`;
    return path;
  }

  private look(path: string): Promise<Contents.IModel | null> {
    return new Tree(this.files).find(path);
  }

  private async write(path: string, content: unknown): Promise<void> {
    await this.files.save(path, { type: "notebook", format: "json", content });
  }
}
