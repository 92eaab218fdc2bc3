import { LabIcon } from "@jupyterlab/ui-components";

// Two layers handed on from one network to another. The classes take their colour from the theme.
const TRANSFER =
  '<path class="jp-icon3" fill="#616161" d="M2 3h6v3H2zm0 5h6v3H2zm0 5h6v3H2zm14-5h6v3h-6zm0 5h6v3h-6zm0 5h6v3h-6z"/>' +
  '<path class="jp-icon3" fill="none" stroke="#616161" stroke-width="1.6" d="M9.5 14.5h5m0 0-2-2m2 2-2 2M9.5 9.5h5m0 0-2-2m2 2-2 2"/>';

const drawing = (inside: string): string =>
  `<svg xmlns="http://www.w3.org/2000/svg" width="24" viewBox="0 0 24 24">${inside}</svg>`;

// Launcher cards: a blue that reads on white and on black (5.2 and 4.0 to 1), with white inside.
const badge = (inside: string): string =>
  `<svg xmlns="http://www.w3.org/2000/svg" width="24" viewBox="0 0 24 24"><rect x="1" y="1" width="22" height="22" rx="4" fill="#0072B2"/>${inside}</svg>`;

export const courseIcon = new LabIcon({ name: "tlwidgets:course", svgstr: drawing(TRANSFER) });

export const studioIcon = new LabIcon({
  name: "tlwidgets:studio",
  svgstr: badge('<path fill="none" stroke="#fff" stroke-width="2" stroke-linecap="round" stroke-linejoin="round" d="M5 17.5 9.5 11l3.6 3L19 5.5"/><path stroke="#fff" stroke-width="1.4" d="M5 20h14"/>'),
});

const lessonIcons = new Map<string, LabIcon>();

/** The number of a lesson on a card. A number is digits and nothing else, so no name can draw. */
export function lessonIcon(number: string): LabIcon {
  const digits = /^\d{1,3}$/.test(number) ? number : "·";
  const made =
    lessonIcons.get(digits) ??
    new LabIcon({
      name: `tlwidgets:lesson-${digits}`,
      svgstr: badge(`<text x="12" y="16.4" text-anchor="middle" font-family="system-ui, sans-serif" font-size="12" font-weight="600" fill="#fff">${digits}</text>`),
    });
  lessonIcons.set(digits, made);
  return made;
}
