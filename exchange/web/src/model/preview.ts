// What an order would cost, by the book as the page sees it. The exchange decides: another order may come first.

import type { Market, Side } from "../api/types";
import type { Level } from "./book";
import * as d from "./decimal";
import type { Decimal } from "./decimal";

export interface Preview {
  /** What would trade at once, and for how much of the quote. */
  takes: Decimal;
  takesFor: Decimal;
  /** What would rest in the book. */
  rests: Decimal;
  /** What would expire. */
  expires: Decimal;
  /** What the order needs to be available, of the quote (buy) or the base (sell). */
  needs: Decimal;
  /** The fee of what would trade at once, of what is received. */
  fee: Decimal;
  /** What is received for what trades at once, less the fee. */
  receives: Decimal;
  /** The average price of what trades at once; null if nothing does. */
  average: Decimal | null;
}

export interface Terms {
  side: Side;
  quantity: Decimal;
  /** Of an order by its amount of the quote: the quantity is then what the book makes of it. */
  amount: Decimal | null;
  /** The worst price, null for any. */
  limit: Decimal | null;
  /** Whether it is covered at its own price, or at what walking the book costs. */
  covered: "at-limit" | "by-walk";
  timeInForce: string;
  postOnly: boolean;
  /** It waits for a price: nothing of it trades or rests now. */
  waits: boolean;
}

/** Walk the other side's levels, best first. */
export function preview(market: Market, levels: readonly Level[], terms: Terms): Preview {
  if (terms.waits) return waiting(market, terms);
  const buys = terms.side === "buy";
  let left = terms.quantity;
  let takes = d.ZERO;
  let takesFor = d.ZERO;
  for (const level of levels) {
    if (!d.isPositive(left)) break;
    const price = d.decimal(level.price);
    if (terms.limit !== null) {
      const order = d.compare(price, terms.limit);
      if (buys ? order > 0 : order < 0) break;
    }
    const quantity = d.minimum(left, d.decimal(level.quantity));
    takes = d.add(takes, quantity);
    takesFor = d.add(takesFor, d.multiply(price, quantity));
    left = d.subtract(left, quantity);
  }
  const walked = takesFor;
  const stays = terms.timeInForce === "gtc" || terms.timeInForce === "gtd";
  let [rests, expires] = stays ? [left, d.ZERO] : [d.ZERO, left];
  if (terms.postOnly) {
    [takes, takesFor, rests] = [d.ZERO, d.ZERO, terms.quantity];
  } else if (terms.timeInForce === "fok" && d.isPositive(left)) {
    [takes, takesFor, expires] = [d.ZERO, d.ZERO, terms.quantity];
  }
  const received = buys ? takes : takesFor;
  const inQuote = market.fee_asset === "quote";
  const taken = d.multiply(inQuote ? takesFor : received, d.decimal(market.taker_fee));
  const fee = d.ceilAt(taken, inQuote ? market.quote_decimals : feeDecimals(market, terms.side));
  return {
    takes,
    takesFor,
    rests,
    expires,
    needs: needs(market, terms, walked),
    fee,
    receives: inQuote && buys ? received : d.subtract(received, fee),
    average: d.isPositive(takes) ? d.divide(takesFor, takes, priceDecimals(market) + 2) : null,
  };
}

/** An order that waits locks what a limit order locks; a buy at market, whose price nobody knows, nothing. */
function waiting(market: Market, terms: Terms): Preview {
  const locks = terms.side === "buy" && terms.limit === null ? d.ZERO : needs(market, terms, d.ZERO);
  const nothing = { takes: d.ZERO, takesFor: d.ZERO, rests: d.ZERO, expires: d.ZERO, fee: d.ZERO, receives: d.ZERO };
  return { ...nothing, needs: locks, average: null };
}

/**
 * A limit order is covered at its own price; a market buy at what walking the book costs; a sell with its quantity. A buy
 * also covers its highest fee where that is in the quote.
 */
function needs(market: Market, terms: Terms, walked: Decimal): Decimal {
  if (terms.side === "sell") return terms.quantity;
  if (terms.covered !== "by-walk" && terms.limit !== null) {
    return market.fee_asset === "quote"
      ? d.multiply(lotCost(market, terms.limit), d.divide(terms.quantity, d.decimal(market.lot_size), 0))
      : d.multiply(terms.limit, terms.quantity);
  }
  if (market.fee_asset !== "quote") return walked;
  return d.add(walked, d.ceilAt(d.multiply(walked, d.decimal(market.taker_fee)), market.quote_decimals));
}

/** What one lot at a limit locks: its price and the highest fee, which is rounded up for each lot. */
function lotCost(market: Market, limit: Decimal): Decimal {
  const cost = d.multiply(limit, d.decimal(market.lot_size));
  const taker = d.decimal(market.taker_fee);
  const maker = market.maker_fee.startsWith("-") ? d.ZERO : d.decimal(market.maker_fee);
  const rate = d.compare(taker, maker) > 0 ? taker : maker;
  return d.add(cost, d.ceilAt(d.multiply(cost, rate), market.quote_decimals));
}

/** What the book makes of an amount of the quote: whole lots at each price, up to the first level that is not taken whole. */
export function quantityFor(market: Market, levels: readonly Level[], side: Side, limit: Decimal | null, amount: Decimal): Decimal {
  const lot = d.decimal(market.lot_size);
  let left = amount;
  let total = d.ZERO;
  for (const level of levels) {
    const price = d.decimal(level.price);
    if (limit !== null) {
      const order = d.compare(price, limit);
      if (side === "buy" ? order > 0 : order < 0) break;
    }
    const there = d.decimal(level.quantity);
    const quantity = d.minimum(there, d.floorTo(d.divide(left, price, market.base_decimals), lot));
    total = d.add(total, quantity);
    left = d.subtract(left, d.multiply(price, quantity));
    if (d.compare(quantity, there) < 0) break;
  }
  return total;
}

/** The largest quantity that the available balance covers, in whole lots. */
export function affordable(
  market: Market,
  levels: readonly Level[],
  side: Side,
  limit: Decimal | null,
  available: Decimal,
): Decimal {
  const lot = d.decimal(market.lot_size);
  if (side === "sell") return d.floorTo(available, lot);
  if (limit !== null) {
    if (!d.isPositive(limit)) return d.ZERO;
    if (market.fee_asset === "quote") return d.multiply(d.divide(available, lotCost(market, limit), 0), lot);
    return d.floorTo(d.divide(available, limit, market.base_decimals), lot);
  }
  let left = market.fee_asset === "quote" ? lessFee(market, available) : available;
  let total = d.ZERO;
  for (const level of levels) {
    const price = d.decimal(level.price);
    const here = d.floorTo(d.divide(left, price, market.base_decimals), lot);
    const quantity = d.minimum(d.decimal(level.quantity), here);
    total = d.add(total, quantity);
    left = d.subtract(left, d.multiply(price, quantity));
    if (d.compare(quantity, here) === 0) break;
  }
  return total;
}

/** What of an amount may be spent so that the taker's fee is covered too (but for the rounding of each fill). */
function lessFee(market: Market, available: Decimal): Decimal {
  const one = d.decimal("1");
  return d.divide(available, d.add(one, d.decimal(market.taker_fee)), market.quote_decimals);
}

const feeDecimals = (market: Market, side: Side): number =>
  side === "buy" ? market.base_decimals : market.quote_decimals;

export const priceDecimals = (market: Market): number => d.decimalsOf(market.tick_size);
export const quantityDecimals = (market: Market): number => d.decimalsOf(market.lot_size);
