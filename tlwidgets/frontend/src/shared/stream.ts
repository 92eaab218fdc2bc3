// The page's copy of a run: whole after a snapshot, extended by appends, asked for again when a message is missing.

export interface Table {
  columns: string[];
  rows: Float32Array;
}

interface StreamMessage {
  t: "snapshot" | "append";
  run: number;
  seq: number;
  points: number;
  batch_columns: string[];
  epoch_columns: string[];
  extras?: Extras[];
}

/** What the method of a run measures of an epoch beside loss and accuracy; null where that is no number. */
export type Extras = Record<string, number | null>;

function floats(buffer: DataView | ArrayBuffer): Float32Array {
  // JupyterLab hands over views; slice, because a view may start anywhere in its buffer.
  return buffer instanceof DataView
    ? new Float32Array(buffer.buffer.slice(buffer.byteOffset, buffer.byteOffset + buffer.byteLength) as ArrayBuffer)
    : new Float32Array(buffer);
}

/** More batches than this are never drawn one by one: the page of a long run neither grows nor slows down. */
const MOST_DRAWN = 40_000;
const BUCKET = 4;

type Taken = "snapshot" | "append" | "gap" | "ignored";

/** Curves in the shape that uPlot draws: one x, and for each curve a value or null at every x. */
export class Curves {
  x: number[] = [];
  batchLoss: (number | null)[] = [];
  batchAccuracy: (number | null)[] = [];
  trainLoss: (number | null)[] = [];
  valLoss: (number | null)[] = [];
  trainAccuracy: (number | null)[] = [];
  valAccuracy: (number | null)[] = [];
  epochs: Record<string, number>[] = [];
  /** For each epoch, in the same order. */
  extras: Extras[] = [];
  /** Batches that came: those of which a snapshot tells, which may list them thinned, and each one appended since. */
  points = 0;
  private run = -1;
  private sequence = -1;

  /** Take one message in; says "gap" when one before it is missing. */
  take(message: StreamMessage, buffers: DataView[]): Taken {
    if (message.t === "snapshot") this.clear(message.run);
    else if (message.run !== this.run || message.seq <= this.sequence) {
      return message.run > this.run ? "gap" : "ignored";
    } else if (message.seq !== this.sequence + 1) return "gap";
    this.sequence = message.seq;
    const [batches, epochs] = buffers;
    const came = (batches?.byteLength ?? 0) / Float32Array.BYTES_PER_ELEMENT / message.batch_columns.length;
    if (message.t === "append" && this.points + came !== message.points) return "gap";
    this.points = message.points;
    if (batches) this.addBatches({ columns: message.batch_columns, rows: floats(batches) });
    if (epochs) this.addEpochs({ columns: message.epoch_columns, rows: floats(epochs) });
    this.extras.push(...(message.extras ?? []));
    return message.t;
  }

  /** One of the method's own measures, at the step that ended each epoch. */
  extra(name: string): (number | null)[] {
    const column: (number | null)[] = this.x.map(() => null);
    for (const [index, row] of this.epochs.entries()) column[this.indexOf(row["step"] ?? NaN)] = this.extras[index]?.[name] ?? null;
    return column;
  }

  private clear(run: number): void {
    this.run = run;
    this.x = [];
    for (const key of ["batchLoss", "batchAccuracy", "trainLoss", "valLoss", "trainAccuracy", "valAccuracy"] as const) {
      this[key] = [];
    }
    this.epochs = [];
    this.extras = [];
  }

  private addBatches({ columns, rows }: Table): void {
    const [step, loss, accuracy] = ["step", "loss", "accuracy"].map((name) => columns.indexOf(name)) as [number, number, number];
    for (let start = 0; start < rows.length; start += columns.length) {
      this.addRow(rows[start + step] ?? NaN, rows[start + loss], rows[start + accuracy]);
    }
    if (this.x.length > MOST_DRAWN) this.thin();
  }

  /** Keep of every four batches those of the least and the greatest loss: half as many points, and the same picture. */
  private thin(): void {
    const kept: number[] = [];
    for (let start = 0; start < this.x.length; start += BUCKET) {
      const bucket = Array.from({ length: Math.min(BUCKET, this.x.length - start) }, (_, at) => start + at);
      bucket.sort((one, other) => (this.batchLoss[one] ?? 0) - (this.batchLoss[other] ?? 0));
      kept.push(...new Set([bucket[0] ?? start, bucket.at(-1) ?? start].sort((one, other) => one - other)));
    }
    const take = <Value>(column: Value[]): Value[] => kept.map((index) => column[index] as Value);
    [this.x, this.batchLoss, this.batchAccuracy] = [take(this.x), take(this.batchLoss), take(this.batchAccuracy)];
    for (const key of ["trainLoss", "valLoss", "trainAccuracy", "valAccuracy"] as const) this[key] = this.x.map(() => null);
    for (const row of this.epochs) this.placeEpoch(row);
  }

  private addRow(x: number, batchLoss: number | undefined, batchAccuracy: number | undefined): void {
    this.x.push(x);
    this.batchLoss.push(finite(batchLoss));
    this.batchAccuracy.push(finite(batchAccuracy));
    this.trainLoss.push(null);
    this.valLoss.push(null);
    this.trainAccuracy.push(null);
    this.valAccuracy.push(null);
  }

  private addEpochs({ columns, rows }: Table): void {
    for (let start = 0; start < rows.length; start += columns.length) {
      const row = Object.fromEntries(columns.map((name, index) => [name, rows[start + index] ?? NaN]));
      this.epochs.push(row);
      this.placeEpoch(row);
    }
  }

  private placeEpoch(row: Record<string, number>): void {
    const index = this.indexOf(row["step"] ?? NaN);
    this.trainLoss[index] = finite(row["train_loss"]);
    this.valLoss[index] = finite(row["val_loss"]);
    this.trainAccuracy[index] = finite(row["train_accuracy"]);
    this.valAccuracy[index] = finite(row["val_accuracy"]);
  }

  /** Where a step stands in x, by bisection; a step that a thinned snapshot left out goes to the last one before it. */
  private indexOf(step: number): number {
    let low = 0;
    let high = this.x.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if ((this.x[middle] ?? Infinity) <= step) low = middle;
      else high = middle - 1;
    }
    return Math.max(low, 0);
  }
}

function finite(value: number | undefined): number | null {
  return value !== undefined && Number.isFinite(value) ? value : null;
}
