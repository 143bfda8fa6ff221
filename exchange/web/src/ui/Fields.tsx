import { type Decimal, compare, decimal, fixed, floorTo, isMultiple, isPositive, multiply, parse, text } from "../model/decimal";
import type { Market } from "../api/types";
import { reached } from "../model/conditions";
import { FIELDS, type FieldName, unitOf } from "../model/fields";
import { outside } from "../model/filters";
import type { Asked } from "../model/orderTypes";
import { affordable, priceDecimals } from "../model/preview";
import { available, fields, lastPrice, priceField, setField, side, type } from "../state/form";
import { book } from "../state/market";
import { middle } from "./OrderBook";
import { estimate } from "./Preview";

/** What is wrong with a number, said while it is typed. The exchange decides all the same. */
export function hint(value: string, name: FieldName, rules: Market): string | null {
  if (value.trim() === "") return null;
  const number = parse(value.trim());
  if (number === null || value.trim().startsWith("-")) return "Plain digits, with a point for decimals.";
  const { step, most, mayBeZero } = FIELDS[name];
  if (!isPositive(number) && !mayBeZero) return "It must be above 0.";
  if (most !== undefined && compare(number, decimal(most)) > 0) return `It must be at most ${most}.`;
  if (!isMultiple(number, decimal(step(rules)))) return `It must be a multiple of ${step(rules)}.`;
  const bounded = outside(name, number, rules, type.value.covered === "by-walk");
  if (bounded !== null) return bounded;
  return name === "stop" ? thereAlready(number) : name === "target" ? notBeyond(number) : name === "visible" ? notLess(number) : null;
}

/** The exchange lets no order wait for what is so already. What enters later is judged then. */
function thereAlready(number: Decimal): string | null {
  const last = lastPrice.value;
  const { list, value } = type.value;
  if (last === null || (list !== undefined && list !== "oco")) return null;
  if (!reached(list === "oco" ? "stop_loss" : value, side.value, number, decimal(last))) return null;
  return `The last price, ${text(decimal(last))}, is there already.`;
}

/** The limit of an oco must be on the other side of the last price than its stop. */
function notBeyond(number: Decimal): string | null {
  const last = lastPrice.value;
  if (last === null || type.value.list !== "oco") return null;
  const order = compare(number, decimal(last));
  if (side.value === "sell" ? order > 0 : order < 0) return null;
  return `It must be ${side.value === "sell" ? "above" : "below"} the last price, ${text(decimal(last))}.`;
}

function notLess(number: Decimal): string | null {
  const quantity = parse(fields.value.quantity.trim());
  return quantity === null || compare(number, quantity) < 0 ? null : "It must be less than the quantity.";
}

export function NumberField({ name, label, required, rules }: Asked & { rules: Market }) {
  const field = FIELDS[name];
  const value = fields.value[name];
  const wrong = hint(value, name, rules);
  const said = wrong ?? (value === "" ? field.hint : undefined) ?? null;
  const step = (event: KeyboardEvent): void => {
    const by = { ArrowUp: 1n, ArrowDown: -1n }[event.key];
    const number = parse(value.trim() || "0");
    if (by === undefined || number === null) return;
    event.preventDefault();
    const next = stepped(number, decimal(field.step(rules)), by);
    if (isPositive(next)) setField(name, text(next));
  };
  return (
    <div class="field">
      <label for={`order-${name}`}>
        {label ?? field.label}
        {!required && <span class="soft"> (optional)</span>}
      </label>
      <div class="input">
        <input
          id={`order-${name}`}
          name={name}
          inputMode={field.whole ? "numeric" : "decimal"}
          autocomplete="off"
          maxLength={100}
          required={required}
          value={value}
          aria-invalid={wrong !== null}
          aria-describedby={said === null ? undefined : `order-${name}-hint`}
          onInput={(event) => setField(name, event.currentTarget.value)}
          onFocus={() => field.isPrice && (priceField.value = name)}
          onKeyDown={step}
        />
        <span class="unit">{unitOf(field, rules)}</span>
      </div>
      {TRADES_AT.has(name) && <PriceButtons name={name} rules={rules} />}
      {(name === "quantity" || name === "amount") && <ShareButtons name={name} rules={rules} />}
      {said !== null && (
        <p class={wrong === null ? "hint soft" : "hint"} id={`order-${name}-hint`}>
          {said}
        </p>
      )}
    </div>
  );
}

/** The next multiple of a step above a number, or below it. */
export function stepped(number: Decimal, size: Decimal, by: bigint): Decimal {
  const at = floorTo(number, size);
  return { units: at.units + by * 10n ** BigInt(at.scale - size.scale) * size.units, scale: at.scale };
}

/** What a sale of that quantity would bring now. */
function worth(rules: Market, quantity: Decimal): Decimal {
  const sale = { side: "sell", quantity, amount: null, limit: null, covered: "by-walk", timeInForce: "ioc" } as const;
  return estimate(rules, { ...sale, postOnly: false, waits: false }).takesFor;
}

/** The prices that an order trades at: the best ones of the book are offered beside them. */
const TRADES_AT = new Set<FieldName>(["price", "worst", "pegLimit"]);

function PriceButtons({ name, rules }: { name: FieldName; rules: Market }) {
  const take = (which: "bid" | "mid" | "ask"): void => {
    const held = book.peek();
    const price =
      which === "mid" ? middle(held, rules) : (which === "bid" ? held?.bids[0]?.price : held?.asks[0]?.price) ?? null;
    if (price !== null) setField(name, fixed(decimal(price), priceDecimals(rules)));
  };
  return (
    <div class="quick" role="group" aria-label="Take a price from the book">
      {(["bid", "mid", "ask"] as const).map((which) => (
        <button key={which} type="button" onClick={() => take(which)}>
          {{ bid: "Best bid", mid: "Middle", ask: "Best ask" }[which]}
        </button>
      ))}
    </div>
  );
}

/** The price by which a share of the balance becomes a quantity; null: by walking the book. */
function reference(): Decimal | null {
  const { stop, target } = fields.peek();
  const { list, covered, limit } = type.value;
  if (list === "oco") return parse(target.trim());
  if (covered === "at-limit") return parse(fields.peek()[limit ?? "price"].trim());
  return type.value.waits ? (parse(stop.trim()) ?? (lastPrice.peek() === null ? null : decimal(lastPrice.peek()!))) : null;
}

function ShareButtons({ name, rules }: { name: "quantity" | "amount"; rules: Market }) {
  const take = (percent: number): void => {
    const held = book.peek();
    const share = multiply(decimal(available(rules)), { units: BigInt(percent), scale: 2 });
    if (name === "amount") {
      setField("amount", text(floorTo(side.value === "buy" ? share : worth(rules, share), decimal(FIELDS.amount.step(rules)))));
      return;
    }
    const levels = held === null ? [] : side.value === "buy" ? held.asks : held.bids;
    setField("quantity", text(affordable(rules, levels, side.value, reference(), share)));
  };
  return (
    <div class="quick" role="group" aria-label="Share of the available balance">
      {[25, 50, 75, 100].map((percent) => (
        <button key={percent} type="button" onClick={() => take(percent)}>
          {percent} %
        </button>
      ))}
    </div>
  );
}
