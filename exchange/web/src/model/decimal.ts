// Exact decimal numbers: an integer of units and how many decimals these have. Money is never a float here.

export interface Decimal {
  readonly units: bigint;
  readonly scale: number;
}

const PLAIN = /^\d+(\.\d*)?$|^\.\d+$/;
const LENGTH_MAX = 100;

/** The text as the API takes it (plain digits, at most one point), or null. A leading minus is read for `change`. */
export function parse(text: string): Decimal | null {
  const negative = text.startsWith("-");
  const digits = negative ? text.slice(1) : text;
  if (digits.length > LENGTH_MAX || !PLAIN.test(digits)) return null;
  const [whole = "", fraction = ""] = digits.split(".");
  const units = BigInt(whole + fraction || "0");
  return { units: negative ? -units : units, scale: fraction.length };
}

/** As `parse`, of a text that the exchange sent. */
export function decimal(text: string): Decimal {
  const parsed = parse(text);
  if (parsed === null) throw new Error(`not a decimal number: ${text}`);
  return parsed;
}

export const ZERO: Decimal = { units: 0n, scale: 0 };

const power = (exponent: number): bigint => 10n ** BigInt(exponent);

/** The units of a number at a scale that is not smaller than its own, or cut down to it. */
export function unitsAt(number: Decimal, scale: number): bigint {
  return scale >= number.scale ? number.units * power(scale - number.scale) : number.units / power(number.scale - scale);
}

export function add(a: Decimal, b: Decimal): Decimal {
  const scale = Math.max(a.scale, b.scale);
  return { units: unitsAt(a, scale) + unitsAt(b, scale), scale };
}

export function subtract(a: Decimal, b: Decimal): Decimal {
  return add(a, { units: -b.units, scale: b.scale });
}

export function multiply(a: Decimal, b: Decimal): Decimal {
  return { units: a.units * b.units, scale: a.scale + b.scale };
}

export function compare(a: Decimal, b: Decimal): number {
  const scale = Math.max(a.scale, b.scale);
  const left = unitsAt(a, scale);
  const right = unitsAt(b, scale);
  return left < right ? -1 : left > right ? 1 : 0;
}

export const minimum = (a: Decimal, b: Decimal): Decimal => (compare(a, b) <= 0 ? a : b);

export const isPositive = (number: Decimal): boolean => number.units > 0n;

/** a / b with that many decimals, cut off. */
export function divide(a: Decimal, b: Decimal, scale: number): Decimal {
  return { units: (a.units * power(scale + b.scale)) / (b.units * power(a.scale)), scale };
}

/** At that many decimals, rounded up: what the exchange does with a fee. */
export function ceilAt(number: Decimal, scale: number): Decimal {
  if (number.scale <= scale) return { units: unitsAt(number, scale), scale };
  const divisor = power(number.scale - scale);
  return { units: (number.units + divisor - 1n) / divisor, scale };
}

/** Whether a number is a multiple of a step, as of `tick_size`. */
export function isMultiple(number: Decimal, step: Decimal): boolean {
  const scale = Math.max(number.scale, step.scale);
  return unitsAt(number, scale) % unitsAt(step, scale) === 0n;
}

/** The largest multiple of a step that is not above a number. */
export function floorTo(number: Decimal, step: Decimal): Decimal {
  const scale = Math.max(number.scale, step.scale);
  const size = unitsAt(step, scale);
  const units = unitsAt(number, scale);
  return { units: units - (units % size), scale };
}

/** Plain text without trailing zeros. */
export function text(number: Decimal): string {
  return trimmed(fixed(number, number.scale));
}

/** Plain text with exactly that many decimals; further ones are cut off. */
export function fixed(number: Decimal, decimals: number): string {
  const units = unitsAt(number, decimals);
  const negative = units < 0n;
  const digits = (negative ? -units : units).toString().padStart(decimals + 1, "0");
  const whole = digits.slice(0, digits.length - decimals);
  const sign = negative ? "-" : "";
  return decimals === 0 ? sign + whole : `${sign}${whole}.${digits.slice(digits.length - decimals)}`;
}

export const trimmed = (plain: string): string => (plain.includes(".") ? plain.replace(/\.?0+$/, "") : plain);

/** How many decimals a step needs: 2 for "0.01", 0 for "100". */
export function decimalsOf(step: string): number {
  return (trimmed(step).split(".")[1] ?? "").length;
}

/** For pixels only, never for money. */
export const toNumber = (plain: string): number => Number(plain);
