// Runs lab/test/*.test.ts with Node's own test runner. What is tested needs no page and no JupyterLab.
import { spawnSync } from "node:child_process";
import { readdir, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import * as esbuild from "esbuild";

const here = dirname(fileURLToPath(import.meta.url));
const tests = join(here, "lab", "test");
const target = join(here, "test-results");
const entries = (await readdir(tests)).filter((name) => name.endsWith(".test.ts"));
await esbuild.build({
  absWorkingDir: here,
  entryPoints: entries.map((name) => join(tests, name)),
  outdir: target,
  outExtension: { ".js": ".mjs" },
  bundle: true,
  format: "esm",
  platform: "node",
  target: "es2022",
  logLevel: "warning",
});
const made = entries.map((name) => join(target, name.replace(/\.ts$/, ".mjs")));
const { status } = spawnSync(process.execPath, ["--test", ...made], { stdio: "inherit" });
await rm(target, { recursive: true, force: true });
process.exitCode = status ?? 1;
