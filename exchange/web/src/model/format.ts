// How numbers and times are shown. The digits are the exchange's; only abbreviations of large volumes are rounded.

import { decimal, fixed, text } from "./decimal";

/** With exactly that many decimals, thousands in groups. */
export function grouped(plain: string, decimals: number): string {
  const [whole = "", fraction] = fixed(decimal(plain), decimals).split(".");
  const groups = whole.replace(/\B(?=(\d{3})+(?!\d))/g, ",");
  return fraction === undefined ? groups : `${groups}.${fraction}`;
}

/** All its digits and no trailing zeros, thousands in groups. */
export function whole(plain: string): string {
  const exact = text(decimal(plain));
  return grouped(exact, exact.split(".")[1]?.length ?? 0);
}

const SHORT = new Intl.NumberFormat("en", { notation: "compact", maximumSignificantDigits: 4 });

/** A volume, rounded: 1.234M. */
export const short = (plain: string): string => SHORT.format(Number(plain));

/** change relative to the open, in percent with sign. */
export function percent(change: string | null, open: string | null): string {
  if (change === null || open === null || Number(open) === 0) return "–";
  const value = (100 * Number(change)) / Number(open);
  return `${value > 0 ? "+" : value < 0 ? "−" : ""}${Math.abs(value).toFixed(2)} %`;
}

export const direction = (change: string | null): "up" | "down" | "flat" => {
  const value = Number(change ?? 0);
  return value > 0 ? "up" : value < 0 ? "down" : "flat";
};

const CLOCK = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit", second: "2-digit" });
const DAY = new Intl.DateTimeFormat("en-GB", { day: "2-digit", month: "short" });

export const clock = (milliseconds: number): string => CLOCK.format(milliseconds);
export const dayAndClockParts = (milliseconds: number): [day: string, time: string] => [
  DAY.format(milliseconds),
  CLOCK.format(milliseconds),
];
export const dayAndClock = (milliseconds: number): string => dayAndClockParts(milliseconds).join(" ");

export function duration(milliseconds: number): string {
  return milliseconds < 10 ? `${milliseconds.toFixed(1)} ms` : `${Math.round(milliseconds)} ms`;
}

export function median(numbers: readonly number[]): number {
  const sorted = [...numbers].sort((a, b) => a - b);
  return sorted[sorted.length >> 1] ?? 0;
}
