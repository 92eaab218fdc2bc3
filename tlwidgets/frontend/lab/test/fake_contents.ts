// Jupyter's contents API over a map: what the extension uses of it, and its refusals.

export type Tree = Record<string, unknown>;

export class Refusal extends Error {
  readonly response: { status: number };

  constructor(status: number, message: string) {
    super(message);
    this.response = { status };
  }
}

interface Model {
  name: string;
  path: string;
  type: string;
  content: unknown;
  last_modified: string;
}

/** Files are texts or notebooks (objects), folders end in a slash and hold null. */
export class FakeContents {
  readonly files = new Map<string, unknown>();
  /** What was asked for and is not there: a real server writes a warning into its log for each. */
  readonly missed: string[] = [];
  readOnly = false;

  constructor(files: Tree = {}) {
    for (const [path, content] of Object.entries(files)) this.files.set(path, content);
  }

  async get(path: string, options: { content?: boolean } = {}): Promise<Model> {
    const type = this.typeOf(path);
    if (type === null) {
      this.missed.push(path);
      throw new Refusal(404, `No such file or directory: ${path}`);
    }
    const content = type === "directory" ? this.list(path) : this.files.get(path);
    return this.model(path, type, options.content === false ? null : content);
  }

  async save(path: string, options: { type?: string; content?: unknown }): Promise<Model> {
    this.refuseIfReadOnly(path);
    this.files.set(options.type === "directory" ? `${path}/` : path, options.type === "directory" ? null : options.content);
    return this.model(path, options.type ?? "file", null);
  }

  async rename(from: string, to: string): Promise<Model> {
    this.refuseIfReadOnly(from);
    if (this.typeOf(to) !== null) throw new Refusal(409, `File already exists: ${to}`);
    this.files.set(to, this.files.get(from));
    this.files.delete(from);
    return this.model(to, "file", null);
  }

  private refuseIfReadOnly(path: string): void {
    if (this.readOnly) throw new Refusal(403, `Permission denied: ${path}`);
  }

  private typeOf(path: string): string | null {
    if (path === "" || [...this.files.keys()].some((known) => known.startsWith(`${path}/`))) return "directory";
    if (!this.files.has(path)) return null;
    return path.endsWith(".ipynb") ? "notebook" : "file";
  }

  private list(folder: string): Model[] {
    const inside = folder === "" ? "" : `${folder}/`;
    const names = [...this.files.keys()].filter((path) => path.startsWith(inside) && path !== inside).map((path) => path.slice(inside.length).split("/")[0] ?? "");
    return [...new Set(names)].map((name) => this.model(inside + name, this.typeOf(inside + name) ?? "file", null));
  }

  private model(path: string, type: string, content: unknown): Model {
    return { name: path.split("/").pop() ?? "", path, type, content, last_modified: "2026-05-04T09:30:00Z" };
  }
}
