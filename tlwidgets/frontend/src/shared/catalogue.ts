// What the picker knows of a backbone, and which of them the filters leave: the same rules as in picker.py.

export interface Entry {
  name: string;
  parameters: number | null;
  macs: number | null;
  step_bytes: number | null;
  kept_bytes?: number | null;
  input_size: number;
  offline: boolean;
  source: string;
  family: string;
  licence: string;
  datasets: string[];
}

/** Seconds of training one image, for each multiply-add and for each byte that is kept. */
export interface Pace {
  mac: number;
  byte: number;
}

/** About how long an epoch takes when everything learns; null where that is not known. */
export function epochSeconds(entry: Partial<Entry>, pace: Partial<Pace>, images: number): number | null {
  if (!images || pace.mac === undefined || pace.byte === undefined || !entry.macs || !entry.kept_bytes) return null;
  return images * (pace.mac * entry.macs + pace.byte * entry.kept_bytes);
}

export interface Filters {
  search: string;
  max_parameters: number | null;
  max_macs: number | null;
  max_memory: number | null;
  input_size: number | null;
  family: string;
  licence: string;
  pretrained_on: string;
  offline_only: boolean;
}

export const NO_FILTERS: Filters = {
  search: "", max_parameters: null, max_macs: null, max_memory: null, input_size: null, family: "", licence: "", pretrained_on: "", offline_only: false,
};

/** Unknown sizes are left out while a limit is set. */
const within = (size: number | null, limit: number | null): boolean => limit === null || (size !== null && size <= limit);
const same = <Value>(value: Value, wanted: Value | null): boolean => wanted === null || wanted === "" || value === wanted;

export function filtered(entries: Entry[], filters: Filters): Entry[] {
  const words = filters.search.toLowerCase().split(/\s+/).filter(Boolean);
  return entries.filter(
    (entry) =>
      (entry.offline || !filters.offline_only) &&
      within(entry.parameters, filters.max_parameters) &&
      within(entry.macs, filters.max_macs) &&
      within(entry.step_bytes, filters.max_memory) &&
      same(entry.input_size, filters.input_size) &&
      same(entry.family, filters.family) &&
      same(entry.licence, filters.licence) &&
      (filters.pretrained_on === "" || entry.datasets.includes(filters.pretrained_on)) &&
      words.every((word) => entry.name.toLowerCase().includes(word)),
  );
}

/** Values of a field with how many entries have each, the commonest first; empty ones are left out. */
export function tally<Value extends string | number>(values: Value[]): [Value, number][] {
  const counts = new Map<Value, number>();
  for (const value of values) if (value !== "") counts.set(value, (counts.get(value) ?? 0) + 1);
  return [...counts].sort((a, b) => b[1] - a[1]);
}
