// Every word of the board of baselines.
export const BASELINES = {
  title: "Baselines",
  lead: "What the run must beat, on its own test images: the commonest class, pixels, a linear probe of the untouched backbone.",
  start: "Compare with baselines",
  again: "Compare again",
  cancel: "Cancel",
  scratch: "Also train from scratch",
  scratchHint: "Only training from random weights can say whether transfer was positive or negative. It takes about as long as the run, longer where that froze stages, and twice as long where its backbone learns more slowly than its head.",
  progress: "Progress of the comparison",
  doing: (name: string, number: number, of: number) => `Measuring ${name}, ${number} of ${of}`,
  begun: "Beginning",
  status: { cancelled: "Cancelled. What was measured until then stands below.", finished: "Done.", failed: "The comparison failed." } as Record<string, string>,
  table: (run: string) => `${run} and its baselines`,
  columns: { name: "What", accuracy: "Test accuracy", gain: "The run is better by", interval: "95 % interval" },
  points: (gain: number) => `${gain >= 0 ? "+" : "−"}${Math.abs(100 * gain).toFixed(1)} points`,
  interval: (low: number, high: number) => `${signed(low)} to ${signed(high)}`,
  code: "Show code",
};

function signed(value: number): string {
  return `${value >= 0 ? "+" : "−"}${Math.abs(100 * value).toFixed(1)}`;
}
