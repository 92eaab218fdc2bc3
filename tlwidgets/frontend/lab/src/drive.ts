import { type Contents, ServerConnection } from "@jupyterlab/services";
import { type ISignal, Signal } from "@lumino/signaling";

export const DRIVE = "tlwidgets-lessons";

/** The lessons as they come, for a person whose folder cannot be written: they open, and nothing in them can be saved. */
export class LessonsDrive implements Contents.IDrive {
  readonly name = DRIVE;
  readonly serverSettings = ServerConnection.makeSettings();
  private readonly changed = new Signal<Contents.IDrive, Contents.IChangedArgs>(this);
  private disposed = false;

  constructor(private readonly original: (name: string) => Promise<unknown>) {}

  get fileChanged(): ISignal<Contents.IDrive, Contents.IChangedArgs> {
    return this.changed;
  }

  get isDisposed(): boolean {
    return this.disposed;
  }

  dispose(): void {
    this.disposed = true;
    Signal.clearData(this);
  }

  async get(path: string, options?: Contents.IFetchOptions): Promise<Contents.IModel> {
    if (path === "") return model("", "directory", options?.content === false ? null : []);
    const content = await this.original(path.replace(/\.ipynb$/, ""));
    return model(path, "notebook", options?.content === false ? null : content);
  }

  async getDownloadUrl(): Promise<string> {
    return "";
  }

  listCheckpoints(): Promise<Contents.ICheckpointModel[]> {
    return Promise.resolve([]);
  }

  newUntitled(): Promise<Contents.IModel> {
    return refuse();
  }

  delete(): Promise<void> {
    return refuse();
  }

  rename(): Promise<Contents.IModel> {
    return refuse();
  }

  save(): Promise<Contents.IModel> {
    return refuse();
  }

  copy(): Promise<Contents.IModel> {
    return refuse();
  }

  createCheckpoint(): Promise<Contents.ICheckpointModel> {
    return refuse();
  }

  restoreCheckpoint(): Promise<void> {
    return refuse();
  }

  deleteCheckpoint(): Promise<void> {
    return refuse();
  }
}

function refuse(): Promise<never> {
  return Promise.reject(new Error("These lessons are read-only."));
}

function model(path: string, type: "directory" | "notebook", content: unknown): Contents.IModel {
  const day = "1970-01-01T00:00:00Z"; // a drive without dates
  return {
    name: path.split("/").pop() ?? "",
    path,
    type,
    content,
    created: day,
    last_modified: day,
    mimetype: type === "notebook" ? "application/x-ipynb+json" : "",
    format: content === null ? null : "json",
    writable: false,
  } as Contents.IModel;
}
