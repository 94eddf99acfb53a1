/** Network-sized answers: a JSON header and little-endian arrays behind it, read without copying. */

export type Column = Uint8Array | Uint16Array | Uint32Array | Int32Array | Float32Array;

interface Described {
  readonly name: string;
  readonly dtype: keyof typeof MAKERS;
  readonly shape: readonly number[];
  readonly offset: number;
}

const MAKERS = {
  uint8: Uint8Array,
  uint16: Uint16Array,
  uint32: Uint32Array,
  int32: Int32Array,
  float32: Float32Array,
} as const;

const MAGIC = "HYA1";

export class ArraysError extends Error {}

/** The arrays of one answer by name, and what was said beside them. */
export class Arrays<Meta> {
  constructor(
    readonly meta: Meta,
    private readonly columns: ReadonlyMap<string, Column>,
  ) {}

  /** Return the array of that name; its numbers stay where the answer put them. */
  column<T extends Column = Float32Array>(name: string): T {
    const found = this.columns.get(name);
    if (found === undefined) throw new ArraysError(`the answer has no array ${name}`);
    return found as T;
  }

  has(name: string): boolean {
    return this.columns.has(name);
  }

  /** Return a text array: one UTF-8 line an element. */
  lines(name: string): string[] {
    const text = new TextDecoder().decode(this.column<Uint8Array>(name));
    return text === "" ? [] : text.split("\n");
  }
}

/** Read an answer; complains about anything that is no such answer or is cut short. */
export function readArrays<Meta>(buffer: ArrayBuffer): Arrays<Meta> {
  const bytes = new Uint8Array(buffer);
  const magic = new TextDecoder().decode(bytes.subarray(0, 4));
  if (magic !== MAGIC) throw new ArraysError(`the answer begins with ${JSON.stringify(magic)}, expected ${MAGIC}`);
  const length = new DataView(buffer).getUint32(4, true);
  if (8 + length > bytes.byteLength) throw new ArraysError(`the answer's header is cut short at byte ${bytes.byteLength}`);
  const header = JSON.parse(new TextDecoder().decode(bytes.subarray(8, 8 + length))) as {
    meta: Meta;
    arrays: readonly Described[];
  };
  const body = Math.ceil((8 + length) / 8) * 8;
  const columns = new Map<string, Column>();
  for (const one of header.arrays) {
    const Maker = MAKERS[one.dtype];
    const count = one.shape.reduce((product, extent) => product * extent, 1);
    const end = body + one.offset + count * Maker.BYTES_PER_ELEMENT;
    if (end > bytes.byteLength) throw new ArraysError(`array ${one.name} ends at byte ${end} of ${bytes.byteLength}`);
    columns.set(one.name, new Maker(buffer, body + one.offset, count));
  }
  return new Arrays(header.meta, columns);
}
