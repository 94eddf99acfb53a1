/** Which marks get their words: the most abnormal first, none over another; the others stay dots. */

import { project, type Camera } from "./camera";

interface Placed {
  readonly x: number;
  readonly y: number;
  readonly label: string;
  readonly rank: number;
}

const LETTER = 8;
const HEIGHT = 26;
const PADDING = 26;

/** Return the marks in the window, each with whether there is room for its label; lower `rank` goes first. */
export function laidOut<M extends Placed>(
  marks: readonly M[],
  camera: Camera,
  width: number,
  height: number,
  most = 400,
): (M & { labelled: boolean })[] {
  const taken: [number, number, number, number][] = [];
  const found: (M & { labelled: boolean })[] = [];
  for (const mark of [...marks].sort((one, other) => one.rank - other.rank)) {
    if (found.length >= most) break;
    const [x, y] = project(camera, mark.x, mark.y, width, height);
    if (!(x > -50 && x < width + 50 && y > -20 && y < height + 20)) continue;
    const box: [number, number, number, number] = [x - 10, y - HEIGHT / 2, x + PADDING + wide(mark.label), y + HEIGHT / 2];
    const free = taken.every(([left, top, right, bottom]) => box[2] < left || box[0] > right || box[3] < top || box[1] > bottom);
    if (free) taken.push(box);
    found.push({ ...mark, labelled: free && mark.label !== "" });
  }
  return found.reverse();
}

function wide(label: string): number {
  let sum = 0;
  for (const letter of label) sum += letter.codePointAt(0)! > 0x2e80 ? LETTER * 1.7 : LETTER;
  return sum;
}
