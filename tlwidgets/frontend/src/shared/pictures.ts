// Pictures that came as buffers, shown by object URLs that are let go of when others come or the view goes away.
import type { Cleanup } from "./model";

export class Pictures {
  private urls: string[] = [];

  constructor(cleanup: Cleanup) {
    cleanup.add(() => this.replace([]));
  }

  /** URLs of new pictures; those of the ones before end. */
  replace(buffers: DataView[]): string[] {
    this.urls.forEach((url) => URL.revokeObjectURL(url));
    this.urls = buffers.map((buffer) => URL.createObjectURL(new Blob([buffer as unknown as BlobPart], { type: "image/png" })));
    return this.urls;
  }
}
