// Builds the JupyterLab extension of lab/ into tlwidgets/labextension/: esbuild makes one module of our own sources,
// which share code with the widgets, and Jupyter's builder makes of it what JupyterLab loads.
import { execFileSync } from "node:child_process";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import * as esbuild from "esbuild";

const here = dirname(fileURLToPath(import.meta.url));
const lab = join(here, "lab");
const { resolve } = createRequire(import.meta.url);

await esbuild.build({
  absWorkingDir: here,
  entryPoints: [join(lab, "src", "index.ts")],
  outdir: join(lab, "lib"),
  bundle: true,
  format: "esm",
  target: "es2022",
  charset: "utf8",
  external: ["@jupyterlab/*", "@lumino/*"], // JupyterLab's own, shared while it runs
  logLevel: "warning",
});
const core = join(dirname(resolve("@jupyterlab/core-meta/package.json")), "core.package.json");
const builder = join(dirname(resolve("@jupyter/builder/package.json")), "lib", "build-labextension.js");
execFileSync(process.execPath, [builder, "--core-package-file", core, lab], { stdio: ["ignore", "ignore", "inherit"] });
