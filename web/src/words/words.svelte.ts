/** The dictionary in force. A key or an argument that one language lacks does not compile. */

import { prefs } from "../shell/prefs.svelte";
import { en } from "./en";
import { zh } from "./zh";

/** The shape of a dictionary: English sets it, with its literal texts widened. */
export type Words = Widened<typeof en>;

type Widened<T> = T extends string
  ? string
  : T extends (...given: infer A) => string
    ? (...given: A) => string
    : { readonly [K in keyof T]: Widened<T[K]> };

const DICTIONARIES: Record<"en" | "zh", Words> = { en, zh };

/** The words of the chosen language; reading it in a template follows the choice. */
export function w(): Words {
  return DICTIONARIES[prefs.language];
}
