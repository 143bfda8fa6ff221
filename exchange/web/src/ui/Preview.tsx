import type { Market, Side } from "../api/types";
import { waitsFor } from "../model/conditions";
import { compare, decimal, isPositive, multiply, parse, text, unitsAt, ZERO, type Decimal } from "../model/decimal";
import { type Draft, fieldsOf, other } from "../model/draft";
import { grouped, whole } from "../model/format";
import { pegPrice } from "../model/peg";
import { type Preview, preview, priceDecimals, quantityFor, type Terms } from "../model/preview";
import { lastPrice } from "../state/form";
import { book, bookFrame } from "../state/market";

/** What an order of the form asks for, or null while its numbers are not there. */
export function terms(draft: Draft): Terms | null {
  if (draft.type.list !== undefined) return listTerms(draft);
  const { limit: bound, fields, covered, waits } = draft.type;
  const byAmount = fields.some((field) => field.name === "amount");
  const asked = parse(draft.fields[byAmount ? "amount" : "quantity"].trim());
  if (asked === null || !isPositive(asked)) return null;
  const [quantity, amount] = byAmount ? [ZERO, asked] : [asked, null];
  const typed = bound === null ? "" : draft.fields[bound].trim();
  const limit = typed === "" ? null : parse(typed);
  const required = fields.some((field) => field.name === bound && field.required);
  if (limit === null && (required || typed !== "")) return null;
  const { side, timeInForce } = draft;
  const follows = draft.type.pegs === true && draft.pegFollows;
  const postOnly = draft.postOnly || follows; // one that follows the book never takes, and is covered at its limit
  if (follows) return { side, quantity, amount, limit, covered, timeInForce, postOnly, waits };
  const pegged = draft.type.pegs && !waits ? pegOf(draft, limit) : limit;
  if (draft.type.pegs && !waits && pegged === null) return null;
  return { side, quantity, amount, limit: pegged, covered, timeInForce, postOnly, waits };
}

/** The price that a pegged order would take now, or null. */
function pegOf(draft: Draft, limit: Decimal | null): Decimal | null {
  const held = book.peek();
  const levels = draft.pegAt === "levels" ? parse(draft.fields.pegLevels.trim()) : ZERO;
  const offset = draft.pegAt === "offset" ? parse(draft.fields.pegOffset.trim()) : ZERO;
  if (held === null || levels === null || offset === null) return null;
  return pegPrice(held, draft.side, { to: draft.pegTo, levels: Number(levels.units), offset, limit });
}

/** What a list locks: what its first order needs, and of two legs the one that needs more. */
function listTerms(draft: Draft): Terms | null {
  const { side, type, fields } = draft;
  const quantity = parse(fields.quantity.trim());
  const first = parse((type.list === "oco" ? fields.target : fields.price).trim());
  if (quantity === null || !isPositive(quantity) || first === null) return null;
  const second = type.list === "oco" ? parse(fields.stopLimit.trim()) : null;
  const limit = second === null || compare(first, second) >= 0 ? first : second;
  return { side, quantity, amount: null, limit, covered: "at-limit", timeInForce: "gtc", postOnly: false, waits: true };
}

/** The preview by the book as it is now. */
export function estimate(rules: Market, asked: Terms): Preview {
  const held = book.peek();
  const levels = held === null ? [] : asked.side === "buy" ? held.asks : held.bids;
  const { amount, side, limit } = asked;
  if (amount === null) return preview(rules, levels, asked);
  return preview(rules, levels, { ...asked, quantity: quantityFor(rules, levels, side, limit, amount) });
}

function Line({ label, children }: { label: string; children: preact.ComponentChildren }) {
  return (
    <div>
      <dt>{label}</dt>
      <dd>{children}</dd>
    </div>
  );
}

interface Props {
  draft: Draft;
  rules: Market;
  available: string;
}

export function PreviewLines(props: Props) {
  if (props.draft.type.list !== undefined) return <ListLines {...props} />;
  return props.draft.type.waits ? <WaitingLines {...props} /> : <TradingLines {...props} />;
}

const amount = (number: Decimal, asset: string): string => `${whole(text(number))} ${asset}`;

/** An amount that the balance must cover, marked where it does not. */
function Needs({ needs, asset, available }: { needs: Decimal; asset: string; available: string }) {
  return <span class={compare(needs, decimal(available)) > 0 ? "down" : ""}>{amount(needs, asset)}</span>;
}

function TradingLines({ draft, rules, available }: Props) {
  bookFrame.value; // it follows the book
  const asked = terms(draft);
  const seen = asked === null ? null : estimate(rules, asked);
  const buys = draft.side === "buy";
  const received = buys ? rules.base : rules.quote;
  const now = draft.type.pegs ? pegOf(draft, parse(draft.fields.pegLimit.trim())) : null;
  return (
    <dl class="preview" aria-label="Preview">
      <Line label={buys ? "Cost at most" : "Sells"}>
        {seen === null ? "–" : <Needs needs={seen.needs} asset={buys ? rules.quote : rules.base} available={available} />}
      </Line>
      {draft.type.pegs && (
        <Line label="Price now">{now === null ? "–" : grouped(text(now), priceDecimals(rules))}</Line>
      )}
      <Line label="Trades now">
        {seen === null
          ? "–"
          : seen.average === null
            ? "nothing"
            : `${whole(text(seen.takes))} at ${grouped(text(seen.average), priceDecimals(rules))}`}
      </Line>
      <Line label={seen !== null && isPositive(seen.expires) ? "Expires" : "Rests"}>
        {seen === null ? "–" : amount(isPositive(seen.expires) ? seen.expires : seen.rests, rules.base)}
      </Line>
      <Line label={feeLabel(rules)}>
        {seen === null ? "–" : amount(seen.fee, rules.fee_asset === "quote" ? rules.quote : received)}
      </Line>
      <Line label="Receives now">{seen === null ? "–" : amount(seen.receives, received)}</Line>
    </dl>
  );
}

const feeLabel = (rules: Market): string => `Taker fee, ${whole(text(multiply(decimal(rules.taker_fee), decimal("100"))))} %`;

/** What the numbers of the form say that the order waits for; null while they are not there. */
function condition(draft: Draft, rules: Market): string | null {
  const shown = new Set(fieldsOf(draft).map(({ name }) => name));
  const typed = (name: "stop" | "delta" | "distance" | "activation"): string | null => {
    const number = shown.has(name) ? parse(draft.fields[name].trim()) : null;
    return number === null ? null : text(number);
  };
  const delta = typed("delta");
  return waitsFor(
    {
      order_type: draft.type.value,
      side: draft.side,
      stop_price: typed("stop"),
      trailing_delta: delta === null ? null : Number(delta),
      trailing_amount: typed("distance"),
      activation_price: typed("activation"),
    },
    rules,
  );
}

/** Of an order that waits: for what, and what it is then. */
function WaitingLines({ draft, rules, available }: Props) {
  const asked = terms(draft);
  const seen = asked === null ? null : estimate(rules, asked);
  const buys = draft.side === "buy";
  const price = asked?.limit ?? parse(draft.fields.stop.trim()) ?? (lastPrice.value === null ? null : decimal(lastPrice.value));
  const quantity = asked?.quantity ?? null;
  return (
    <dl class="preview" aria-label="Preview">
      <Line label="Waits for">{condition(draft, rules) ?? "–"}</Line>
      <Line label="Then">
        {buys ? "Buys" : "Sells"}
        {draft.type.pegs ? " at a price of the book" : draft.type.limit === null ? " at market" : asked?.limit ? ` ${orBetter(asked.limit, rules)}` : ""}
      </Line>
      <Locks seen={seen} asset={buys ? rules.quote : rules.base} available={available} />
      <Line label="Worth about">
        {price === null || quantity === null ? "–" : amount(shortened(multiply(price, quantity), rules), rules.quote)}
      </Line>
    </dl>
  );
}

const orBetter = (limit: Decimal, rules: Market): string => `at ${grouped(text(limit), priceDecimals(rules))} or better`;

function Locks({ seen, asset, available }: { seen: Preview | null; asset: string; available: string }) {
  return (
    <Line label="Locks now">
      {seen === null ? "–" : isPositive(seen.needs) ? <Needs needs={seen.needs} asset={asset} available={available} /> : "nothing"}
    </Line>
  );
}

/** What the orders of a list do, one line each. */
function ListLines({ draft, rules, available }: Props) {
  const { type, side, fields } = draft;
  const asked = terms(draft);
  const seen = asked === null ? null : estimate(rules, asked);
  const leg = type.list === "oco" ? side : other(side);
  const doing = (of: Side): string => (of === "buy" ? "Buys" : "Sells");
  const limit = (of: Side, typed: string): string => {
    const price = parse(typed.trim());
    return price === null ? "–" : `${doing(of)} ${orBetter(price, rules)}`;
  };
  const stop = (): string => {
    const [at, price] = [parse(fields.stop.trim()), parse(fields.stopLimit.trim())];
    if (at === null) return "–";
    const waits = { order_type: "stop_loss", side: leg, stop_price: text(at), trailing_delta: null, trailing_amount: null, activation_price: null };
    const then = price === null ? "at market" : orBetter(price, rules);
    return `${doing(leg)} ${then}, once ${waitsFor(waits, rules)}`;
  };
  const both = type.list !== "oto";
  return (
    <dl class="preview" aria-label="Preview">
      {type.list !== "oco" && <Line label="First">{limit(side, fields.price)}</Line>}
      {(both || type.then === "limit") && <Line label={both ? "Either" : "Then"}>{limit(leg, fields.target)}</Line>}
      {(both || type.then === "stop") && <Line label={both ? "Or" : "Then"}>{stop()}</Line>}
      <Locks seen={seen} asset={side === "buy" ? rules.quote : rules.base} available={available} />
    </dl>
  );
}

const shortened = (number: Decimal, rules: Market): Decimal => ({
  units: unitsAt(number, Math.min(number.scale, rules.quote_decimals)),
  scale: Math.min(number.scale, rules.quote_decimals),
});
