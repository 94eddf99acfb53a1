/** Small matters of an order's sheet. */

import { shortList } from "../alarms/message";
import type { FindingKind, Order } from "../api/types";
import type { Words } from "../words/words.svelte";

/** Findings that say by what something was replaced. */
export const NEEDS_DETAIL: ReadonlySet<FindingKind> = new Set<FindingKind>(["valve replaced by", "pipe replaced by"]);

/** Return an order's cure in words: what it frees, what it lays. */
export function changeWords(cure: Order["cures"][number], words: Words): string {
  const parts = [...(cure.frees ? [words.orders.frees] : []), ...(cure.sizes.length > 0 ? [words.orders.lays(shortList(cure.sizes))] : [])];
  return parts.join(words.shell.and) || cure.change;
}

const LONGEST_SIDE = 2000;
const QUALITY = 0.85;

/** Return a photo small enough for a poor line in the street; what cannot be read as a picture goes as it is. */
export async function shrunk(file: File): Promise<Blob> {
  const picture = await createImageBitmap(file).catch(() => null);
  if (picture === null) return file;
  const scale = Math.min(1, LONGEST_SIDE / Math.max(picture.width, picture.height));
  if (scale === 1 && file.size < 1_000_000) return file;
  const canvas = new OffscreenCanvas(Math.round(picture.width * scale), Math.round(picture.height * scale));
  canvas.getContext("2d")?.drawImage(picture, 0, 0, canvas.width, canvas.height);
  return canvas.convertToBlob({ type: "image/jpeg", quality: QUALITY });
}
