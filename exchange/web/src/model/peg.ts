// Where a pegged order would enter, by the book as the page sees it.

import type { Side } from "../api/types";
import type { Book } from "./book";
import * as d from "./decimal";
import type { Decimal } from "./decimal";
import type { PegTo } from "./orderTypes";

export interface Peg {
  to: PegTo;
  levels: number;
  offset: Decimal;
  limit: Decimal | null;
}

/** The price that the order takes; null if the book has no such level. */
export function pegPrice(book: Pick<Book, "bids" | "asks">, side: Side, peg: Peg): Decimal | null {
  const buys = side === "buy";
  const level = (buys === (peg.to === "primary") ? book.bids : book.asks)[peg.levels];
  if (level === undefined) return null;
  const price = d.decimal(level.price);
  const at = buys ? d.subtract(price, peg.offset) : d.add(price, peg.offset);
  if (peg.limit === null) return at;
  const order = d.compare(at, peg.limit);
  return (buys ? order > 0 : order < 0) ? peg.limit : at;
}
