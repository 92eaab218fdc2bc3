// What Jupyter's contents API answers when it refuses.

interface Refusal {
  response?: { status?: number };
  message?: string;
}

export const statusOf = (error: unknown): number => (error as Refusal)?.response?.status ?? 0;

/** The server may not write there. jupyter_server answers 403; some older ones 500 with the system's words. */
export const isForbidden = (error: unknown): boolean =>
  statusOf(error) === 403 || /permission denied|read-only file system/i.test(reasonOf(error));

export const reasonOf = (error: unknown): string => (error as Refusal)?.message ?? String(error);

/** A time of day for a file name: 20260504-093000, in the time of the person. */
export function stamp(now = new Date()): string {
  const two = (value: number): string => String(value).padStart(2, "0");
  const day = `${now.getFullYear()}${two(now.getMonth() + 1)}${two(now.getDate())}`;
  return `${day}-${two(now.getHours())}${two(now.getMinutes())}${two(now.getSeconds())}`;
}

export function join(...parts: string[]): string {
  return parts.filter((part) => part !== "" && part !== ".").join("/");
}

/** A folder below the one that Jupyter shows, whatever was typed. */
export function below(folder: string): string {
  const parts = folder.trim().split(/[\\/]+/);
  return parts.filter((part) => part !== "" && part !== "." && part !== "..").join("/");
}
