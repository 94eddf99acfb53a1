/** What a person prefers on this machine: language, theme, wall mode. Kept in the browser, applied to the document. */

export type Language = "en" | "zh";
export type Theme = "light" | "dark";

const KEY = "hydro.prefs";

interface Kept {
  language: Language;
  theme: Theme;
  wall: boolean;
}

function load(): Kept {
  const first: Kept = { language: navigator.language.startsWith("zh") ? "zh" : "en", theme: "light", wall: false };
  try {
    const kept = JSON.parse(localStorage.getItem(KEY) ?? "{}") as Partial<Kept>;
    return {
      language: kept.language === "zh" || kept.language === "en" ? kept.language : first.language,
      theme: kept.theme === "dark" ? "dark" : "light",
      wall: kept.wall === true,
    };
  } catch {
    // A browser that keeps nothing still shows the page.
    return first;
  }
}

export const prefs: Kept = $state(load());

/** Show the preferences on the document, and keep them. Call once, inside an effect. */
export function applyPrefs(): void {
  const root = document.documentElement;
  root.lang = prefs.language === "zh" ? "zh-CN" : "en";
  root.dataset.theme = prefs.theme;
  root.toggleAttribute("data-wall", prefs.wall);
  try {
    localStorage.setItem(KEY, JSON.stringify(prefs));
  } catch {
    // Nothing to do: the choice lasts as long as the page.
  }
}
