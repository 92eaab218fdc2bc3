// Pictures from the person's disk, as small as the kernel keeps them: a photo of a phone has ten megabytes, and a
// notebook server closes the connection that sends so much at once.
import { h } from "./dom";

/** Files that the browser cannot open go as they are up to this size; base64 makes a third more of it. */
export const LARGEST_RAW = 4 * 1024 * 1024;

/** Base64 of a picture of at most `side` pixels a side, upright; null for a large file that no browser opens. */
export async function smallPicture(file: Blob, side: number): Promise<string | null> {
  const bitmap = await createImageBitmap(file).catch(() => null);
  if (!bitmap) return file.size <= LARGEST_RAW ? base64(await read(file)) : null;
  const scale = Math.min(1, side / Math.max(bitmap.width, bitmap.height));
  const size = (pixels: number): number => Math.max(1, Math.round(pixels * scale));
  const canvas = h("canvas", { width: size(bitmap.width), height: size(bitmap.height) });
  const context = canvas.getContext("2d") as CanvasRenderingContext2D;
  Object.assign(context, { imageSmoothingQuality: "high", fillStyle: "#fff" });
  context.fillRect(0, 0, canvas.width, canvas.height); // what is transparent is white, as on the drawing surface
  context.drawImage(bitmap, 0, 0, canvas.width, canvas.height);
  bitmap.close();
  return base64(canvas.toDataURL("image/png"));
}

/** What follows the comma of a data URL. */
export function base64(url: string): string {
  return url.slice(url.indexOf(",") + 1);
}

function read(file: Blob): Promise<string> {
  return new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.onload = () => resolve(String(reader.result));
    reader.onerror = () => reject(reader.error);
    reader.readAsDataURL(file);
  });
}
