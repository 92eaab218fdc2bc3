import { PageConfig, URLExt } from "@jupyterlab/coreutils";
import { catalogueProblem, type Lesson } from "../../src/shared/course";
import { reasonOf } from "./answers";
import { LAB } from "./strings";

/** Where the files of this extension are served, by whatever serves JupyterLab itself. */
function url(file: string): string {
  const folder = PageConfig.getOption("fullLabextensionsUrl") || URLExt.join(PageConfig.getBaseUrl(), "lab/extensions");
  return URLExt.join(folder, "tlwidgets/course", encodeURIComponent(file));
}

async function fetchJson(file: string): Promise<unknown> {
  // As the page's own scripts are fetched: the address need not be one of the notebook server's API.
  const response = await fetch(url(file));
  if (!response.ok) throw new Error(`${file}: ${response.status}`);
  return response.json();
}

/** The lessons of this installation. */
export async function readCatalogue(): Promise<Lesson[]> {
  const content = await fetchJson("catalogue.json").catch((error: unknown) => {
    throw new Error(LAB.noCatalogue(reasonOf(error)));
  });
  const problem = catalogueProblem(content);
  if (problem !== "") throw new Error(LAB.noCatalogue(problem));
  return (content as { lessons: Lesson[] }).lessons;
}

/** The notebook of a lesson as students get it. */
export function readOriginal(name: string): Promise<unknown> {
  return fetchJson(`${name}.ipynb`).catch(() => {
    throw new Error(LAB.missing(name));
  });
}
