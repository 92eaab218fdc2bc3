import type { Contents } from "@jupyterlab/services";
import { join } from "./answers";
import { LAB } from "./strings";
import { Tree } from "./tree";

type Files = Pick<Contents.IManager, "get">;

export interface Run {
  path: string;
  name: string;
  backbone: string;
  plan: string;
  /** "finished", "running", ... */
  status: string;
  /** Share of test images classified rightly, or null. */
  accuracy: number | null;
  /** Whether its method trained the head: else no accuracy is shown. */
  headTrained: boolean;
  /** When its folder last changed. */
  date: string;
}

const MOST = 50;

/** The runs of some folders, newest first. A folder without runs, or a run that cannot be read, is passed by. */
export async function listRuns(files: Files, folders: string[], tree = new Tree(files)): Promise<{ runs: Run[]; more: number }> {
  const found: Contents.IModel[] = [];
  for (const folder of new Set(folders)) {
    const listing = await entries(tree, join(folder, "runs"));
    found.push(...listing.filter((entry) => entry.type === "directory"));
  }
  found.sort((one, other) => other.last_modified.localeCompare(one.last_modified));
  const runs = await Promise.all(found.slice(0, MOST).map((entry) => readRun(files, tree, entry)));
  return { runs: runs.filter((run) => run !== null), more: Math.max(0, found.length - MOST) };
}

async function readRun(files: Files, tree: Tree, folder: Contents.IModel): Promise<Run | null> {
  const names = new Set((await entries(tree, folder.path)).map((entry) => entry.name));
  const text = async (name: string): Promise<string> => {
    if (!names.has(name)) return "";
    const file = await files.get(join(folder.path, name), { type: "file", format: "text", content: true });
    return String(file.content ?? "");
  };
  if (!names.has("recipe.yaml")) return null;
  const [recipe, status, metrics] = await Promise.all(["recipe.yaml", "status.json", "metrics.json"].map(text));
  const { backbone, plan } = readRecipe(recipe ?? "");
  const headTrained = field(status ?? "", "head_trained") !== false;
  return {
    path: folder.path,
    name: folder.name,
    backbone,
    plan,
    status: String(field(status ?? "", "status") ?? ""),
    accuracy: headTrained ? number(field(metrics ?? "", "test", "accuracy")) : null,
    headTrained,
    date: folder.last_modified,
  };
}

async function entries(tree: Tree, path: string): Promise<Contents.IModel[]> {
  try {
    return (await tree.find(path))?.type === "directory" ? await tree.entries(path) : [];
  } catch {
    return []; // not ours to read: nothing to list
  }
}

function field(text: string, ...path: string[]): unknown {
  try {
    return path.reduce<unknown>((value, key) => (value as Record<string, unknown> | undefined)?.[key], JSON.parse(text));
  } catch {
    return undefined;
  }
}

const number = (value: unknown): number | null => (typeof value === "number" && Number.isFinite(value) ? value : null);

/** Backbone and plan of a recipe. Reads what `Recipe.to_yaml` writes: keys at the margin, the plan's states one a line below it. */
export function readRecipe(text: string): { backbone: string; plan: string } {
  const lines = text.split("\n");
  const backbone = lines.find((line) => line.startsWith("backbone:"))?.slice("backbone:".length) ?? "";
  const start = lines.findIndex((line) => line.startsWith("plan:"));
  const states: string[] = [];
  for (const line of start < 0 ? [] : lines.slice(start + 1)) {
    const state = /^\s+\S.*:\s*(\S+)\s*$/.exec(line);
    if (!state) break;
    states.push(plain(state[1] ?? ""));
  }
  const learning = states.filter((state) => state !== "frozen").length;
  return { backbone: plain(backbone), plan: states.length ? LAB.runs.learns(learning, states.length) : LAB.runs.everything };
}

/** A YAML scalar on one line, without its quotes. */
function plain(scalar: string): string {
  const text = scalar.trim();
  if (text.startsWith("'")) return text.slice(1, -1).replaceAll("''", "'");
  if (!text.startsWith('"')) return text;
  try {
    return String(JSON.parse(text));
  } catch {
    return text;
  }
}

/** Cells that compare runs, a cell for each folder that they lie in. JSON's strings and lists are Python's too. */
export function comparison(paths: string[]): string[] {
  const folders = new Map<string, string[]>();
  for (const path of paths) {
    const at = path.lastIndexOf("/");
    const [folder, name] = [path.slice(0, Math.max(at, 0)) || ".", path.slice(at + 1)];
    folders.set(folder, [...(folders.get(folder) ?? []), name]);
  }
  const cells = [...folders].map(([folder, names]) => `tlw.RunCompare(${JSON.stringify(folder)}, runs=${JSON.stringify(names)})`);
  return ["import tlwidgets as tlw", ...cells];
}
