/** Keys without a modifier. A page adds its own while it is shown; typing in a field is left alone. */

type Action = () => void;
export type Keys = Readonly<Record<string, Action>>;

const layers: Keys[] = [];

/** Whether single keys act at all; a person who dictates may want them off. */
export const keyboard = $state({ on: localStorageFlag() });

/** Let keys act while a component is there: `$effect(() => withKeys({...}))`. The latest layer goes first. */
export function withKeys(keys: Keys): () => void {
  layers.push(keys);
  return () => layers.splice(layers.indexOf(keys), 1);
}

/** Handle a key press of the window. */
export function pressed(event: KeyboardEvent): void {
  if (!keyboard.on || event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || typing(event)) return;
  if (document.querySelector("dialog[open]") !== null) return;
  const name = event.key.length === 1 ? event.key.toLowerCase() : event.key;
  const layer = layers.findLast((keys) => name in keys);
  if (layer === undefined) return;
  event.preventDefault();
  layer[name]!();
}

export function switchKeyboard(on: boolean): void {
  keyboard.on = on;
  try {
    localStorage.setItem("hydro.keys", on ? "on" : "off");
  } catch {
    // The choice lasts as long as the page.
  }
}

function typing(event: KeyboardEvent): boolean {
  const target = event.target as HTMLElement | null;
  if (target === null) return false;
  if (target.isContentEditable || /^(input|textarea|select)$/i.test(target.tagName)) return true;
  // Enter and space belong to whatever has the focus.
  return (event.key === "Enter" || event.key === " ") && /^(button|a|summary)$/i.test(target.tagName);
}

function localStorageFlag(): boolean {
  try {
    return localStorage.getItem("hydro.keys") !== "off";
  } catch {
    return true;
  }
}
