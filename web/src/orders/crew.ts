/** The crew that was sent last, so that the next order is one click. */

const KEY = "hydro.crew";

export function rememberedCrew(first: string): string {
  try {
    return localStorage.getItem(KEY) ?? first;
  } catch {
    return first;
  }
}

export function rememberCrew(crew: string): void {
  try {
    localStorage.setItem(KEY, crew);
  } catch {
    // The next order asks again.
  }
}
