import type { Contents } from "@jupyterlab/services";
import { join } from "./answers";

/**
 * What lies where, as it was when first asked. It asks for listings of folders that exist and never for what may be
 * missing: jupyter_server writes a warning into the person's terminal for each such question.
 */
export class Tree {
  private readonly known = new Map<string, Promise<Contents.IModel[]>>();

  constructor(private readonly files: Pick<Contents.IManager, "get">) {}

  /** What lies in a folder that is there. */
  entries(folder: string): Promise<Contents.IModel[]> {
    const asked = this.known.get(folder) ?? this.list(folder);
    this.known.set(folder, asked);
    return asked;
  }

  /** The file or folder at a path, without its content, or null. */
  async find(path: string): Promise<Contents.IModel | null> {
    let folder = "";
    let found: Contents.IModel | null = null;
    for (const name of path.split("/").filter((part) => part !== "")) {
      if (found !== null && found.type !== "directory") return null;
      found = (await this.entries(folder)).find((entry) => entry.name === name) ?? null;
      if (found === null) return null;
      folder = join(folder, name);
    }
    return found;
  }

  private async list(folder: string): Promise<Contents.IModel[]> {
    const listing = await this.files.get(folder, { type: "directory", content: true });
    return Array.isArray(listing.content) ? (listing.content as Contents.IModel[]) : [];
  }
}
