const WHOLE = new Intl.NumberFormat("en");

/** 1234567 -> "1,234,567". */
export function whole(value: number): string {
  return WHOLE.format(Math.round(value));
}

/** A count with three significant digits: 25557032 -> "25.6 M"; unknown -> "–". */
export function count(value: number | null | undefined): string {
  if (value === null || value === undefined || !Number.isFinite(value)) return "–";
  if (value < 1000) return String(Math.round(value));
  for (const [size, unit] of [[1e9, "G"], [1e6, "M"], [1e3, "k"]] as const) {
    if (value >= size) return `${Number((value / size).toPrecision(3))} ${unit}`;
  }
  return String(value);
}

/** Bytes in powers of ten, as memory is sold: 4300000000 -> "4.3 GB"; unknown -> "–". */
export function bytes(value: number | null | undefined): string {
  const words = count(value);
  return words === "–" ? words : /[kMG]$/.test(words) ? `${words}B` : `${words} B`;
}

export function percent(value: number | null | undefined, digits = 1): string {
  if (value === null || value === undefined || !Number.isFinite(value)) return "–";
  return `${(100 * value).toFixed(digits)}%`;
}

/** Seconds as people read them: "8 s", "3 min 20 s", "1 h 5 min". */
export function duration(seconds: number | null | undefined): string {
  if (seconds === null || seconds === undefined || !Number.isFinite(seconds)) return "–";
  if (seconds < 10) return `${seconds.toFixed(1)} s`;
  const rounded = Math.round(seconds);
  if (rounded < 60) return `${rounded} s`;
  if (rounded < 3600) return `${Math.floor(rounded / 60)} min ${rounded % 60} s`;
  return `${Math.floor(rounded / 3600)} h ${Math.round((rounded % 3600) / 60)} min`;
}

export function loss(value: number | null | undefined): string {
  return value === null || value === undefined || !Number.isFinite(value) ? "–" : value.toFixed(3);
}

/** A learning rate as one would type it: 0.001, 3e-5. */
export function rate(value: number | null | undefined): string {
  if (value === null || value === undefined || !Number.isFinite(value)) return "–";
  return String(Number(value.toPrecision(3)));
}

/** A duration that is an estimate, with a sign that it is one: "~ 8.3 s", "~ 45 s", "~ 12 min", "~ 17 h"; unknown -> "–". */
export function about(seconds: number | null): string {
  if (seconds === null) return "–";
  if (seconds < 90) return `~ ${seconds < 10 ? seconds.toFixed(1) : Math.round(seconds)} s`;
  if (seconds < 5400) return `~ ${Math.round(seconds / 60)} min`;
  return seconds < 172_800 ? `~ ${Math.round(seconds / 3600)} h` : `~ ${Math.round(seconds / 86_400)} days`;
}
