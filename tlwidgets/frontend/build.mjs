// Bundles one ES module and one style sheet for each widget into tlwidgets/static/.
// anywidget loads a module from a Blob URL, so a module cannot import its neighbour at run time: shared code is bundled in.
import { readdir, rm, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import * as esbuild from "esbuild";

const here = dirname(fileURLToPath(import.meta.url));
const source = join(here, "src");
const target = join(here, "..", "static");
// Every instance of a widget sends its module to the page, and a saved notebook may keep it.
const LARGEST_MODULE = 80 * 1024;

const entries = (await readdir(source)).filter((name) => name.endsWith(".ts") && !name.endsWith(".d.ts"));
const options = {
  absWorkingDir: here,
  entryPoints: entries.map((name) => join(source, name)),
  outdir: target,
  bundle: true,
  minify: true,
  format: "esm",
  target: "es2022",
  charset: "utf8",
  legalComments: "inline",
  logLevel: "warning",
};

async function tooLarge() {
  const built = (await readdir(target)).filter((name) => name.endsWith(".js"));
  const sizes = await Promise.all(built.map(async (name) => [name, (await stat(join(target, name))).size]));
  return sizes.filter(([, size]) => size > LARGEST_MODULE);
}

if (process.argv.includes("--watch")) {
  const context = await esbuild.context({ ...options, minify: false });
  await context.watch();
} else {
  await rm(target, { recursive: true, force: true });
  await esbuild.build(options);
  for (const [name, size] of await tooLarge()) {
    console.error(`${name} has ${size} bytes, more than the ${LARGEST_MODULE} allowed for one widget`);
    process.exitCode = 1;
  }
}
