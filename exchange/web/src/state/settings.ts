// What the page remembers of a reader's choices, in this browser only.

import { effect, signal, type Signal } from "@preact/signals";

function remembered<Value extends string>(key: string, fallback: Value, allowed?: readonly Value[]): Signal<Value> {
  const name = `exchange.${key}`;
  let stored: string | null = null;
  try {
    stored = localStorage.getItem(name);
  } catch {
    // A browser may forbid storage: the choice then lasts as long as the page.
  }
  const known = stored !== null && (allowed === undefined || (allowed as readonly string[]).includes(stored));
  const value = signal(known ? (stored as Value) : fallback);
  let begun = false;
  effect(() => {
    const chosen = value.value;
    if (!begun) {
      begun = true; // a fallback is no choice: it may be another one the next time
      return;
    }
    try {
      localStorage.setItem(name, chosen);
    } catch {
      // As above.
    }
  });
  return value;
}

export const THEMES = ["system", "light", "dark"] as const;
export const INTERVALS = ["1m", "5m", "15m", "1h", "4h", "1d"] as const;
export type Theme = (typeof THEMES)[number];
export type Interval = (typeof INTERVALS)[number];

export const theme = remembered<Theme>("theme", "system", THEMES);
export const interval = remembered<Interval>("interval", "1m", INTERVALS);
/** Users that the exchange offers to whoever opens the page, the first one first. Others can be typed. */
export const offeredUsers: readonly string[] = [
  ...document.querySelectorAll<HTMLMetaElement>('meta[name="exchange-user"]'),
].map((meta) => meta.content);
export const userId = remembered<string>("user", offeredUsers[0] ?? "");
export const marketName = remembered<string>("market", "");

const systemDark = matchMedia("(prefers-color-scheme: dark)");
/** Counts the changes of colors: a canvas draws anew. */
export const colors = signal(0);

effect(() => {
  const root = document.documentElement;
  if (theme.value === "system") delete root.dataset["theme"];
  else root.dataset["theme"] = theme.value;
  colors.value = colors.peek() + 1;
});
systemDark.addEventListener("change", () => (colors.value += 1));

/** A color of the style sheet, as the browser resolves it now. */
export function color(name: string): string {
  const probe = document.createElement("span");
  probe.style.color = `var(--${name})`;
  probe.hidden = true;
  document.body.append(probe);
  const resolved = getComputedStyle(probe).color;
  probe.remove();
  return resolved;
}
