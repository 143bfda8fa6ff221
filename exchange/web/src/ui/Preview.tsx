import type { Market } from "../api/types";
import { compare, decimal, isPositive, multiply, parse, text, ZERO, type Decimal } from "../model/decimal";
import { grouped, whole } from "../model/format";
import type { Draft } from "../model/orderTypes";
import { type Preview, preview, priceDecimals, quantityFor, type Terms } from "../model/preview";
import { book, bookFrame } from "../state/market";

/** What an order of the form asks for, or null while its numbers are not there. */
export function terms(draft: Draft): Terms | null {
  const { limit: bound, fields, covered } = draft.type;
  const byAmount = fields.some((field) => field.name === "amount");
  const asked = parse(draft.fields[byAmount ? "amount" : "quantity"].trim());
  if (asked === null || !isPositive(asked)) return null;
  const [quantity, amount] = byAmount ? [ZERO, asked] : [asked, null];
  const typed = bound === null ? "" : draft.fields[bound].trim();
  const limit = typed === "" ? null : parse(typed);
  const required = fields.some((field) => field.name === bound && field.required);
  if (limit === null && (required || typed !== "")) return null;
  return { side: draft.side, quantity, amount, limit, covered, timeInForce: draft.timeInForce, postOnly: draft.postOnly };
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

export function PreviewLines({ draft, rules, available }: { draft: Draft; rules: Market; available: string }) {
  bookFrame.value; // it follows the book
  const asked = terms(draft);
  const seen = asked === null ? null : estimate(rules, asked);
  const buys = draft.side === "buy";
  const amount = (number: Decimal, asset: string) => `${whole(text(number))} ${asset}`;
  const short = seen !== null && compare(seen.needs, decimal(available)) > 0;
  const received = buys ? rules.base : rules.quote;
  return (
    <dl class="preview" aria-label="Preview">
      <Line label={buys ? "Cost at most" : "Sells"}>
        {seen === null ? "–" : <span class={short ? "down" : ""}>{amount(seen.needs, buys ? rules.quote : rules.base)}</span>}
      </Line>
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
      <Line label={`Taker fee, ${whole(text(multiply(decimal(rules.taker_fee), decimal("100"))))} %`}>
        {seen === null ? "–" : amount(seen.fee, rules.fee_asset === "quote" ? rules.quote : received)}
      </Line>
      <Line label="Receives now">{seen === null ? "–" : amount(seen.receives, received)}</Line>
    </dl>
  );
}
