// The bounds that a market's filters set to a number of the form, said while it is typed.

import type { Market } from "../api/types";
import { compare, decimal, type Decimal } from "./decimal";
import { FIELDS, type FieldName } from "./fields";

/** What a number breaks, as a sentence; null if nothing. An order at market has bounds of its own besides. */
export function outside(name: FieldName, number: Decimal, market: Market, atMarket: boolean): string | null {
  if (FIELDS[name].isPrice) return above("max_price", number, market);
  if (name !== "quantity") return null;
  const both = below("min_quantity", number, market) ?? above("max_quantity", number, market);
  if (both !== null || !atMarket) return both;
  return below("market_min_quantity", number, market) ?? above("market_max_quantity", number, market);
}

function above(filter: string, number: Decimal, market: Market): string | null {
  const bound = market.filters?.[filter];
  return typeof bound === "string" && compare(number, decimal(bound)) > 0 ? `This market takes at most ${bound}.` : null;
}

function below(filter: string, number: Decimal, market: Market): string | null {
  const bound = market.filters?.[filter];
  return typeof bound === "string" && compare(number, decimal(bound)) < 0 ? `This market takes at least ${bound}.` : null;
}
