// A market's book as its depth channel tells it, by the rules of exchange/client/book.py: every diff must follow the one
// before without a hole. Where one does not the book is not current, and a new snapshot makes it so.

import type { DepthData, LevelPair } from "../api/types";
import { decimal, unitsAt } from "./decimal";

export interface Level {
  readonly price: string;
  quantity: string;
  /** The price as an integer, for order. */
  readonly key: bigint;
  /** The quantity as an integer of the book's unit, for sums. */
  units: bigint;
}

const KEY_SCALE = 30; // as fine as any asset may be

export class Book {
  /** Best first. */
  readonly bids: Level[] = [];
  readonly asks: Level[] = [];
  lastSequence = 0;
  /** Whether the book is whole up to `lastSequence`; otherwise it is the last that was. */
  current = false;
  /** How often something was missing. */
  gaps = 0;

  /** `quantityDecimals` is how fine quantities are; `again` asks for a new snapshot. */
  constructor(
    readonly quantityDecimals: number,
    private readonly again: () => void,
  ) {}

  take(data: DepthData): void {
    if (data.type === "snapshot") {
      this.replace(this.bids, data.bids, -1n);
      this.replace(this.asks, data.asks, 1n);
      this.lastSequence = data.last_sequence;
      this.current = true;
    } else if (this.current) {
      if (data.first_sequence !== this.lastSequence + 1) {
        this.broken();
        return;
      }
      for (const pair of data.bids) this.change(this.bids, pair, -1n);
      for (const pair of data.asks) this.change(this.asks, pair, 1n);
      this.lastSequence = data.last_sequence;
    }
  }

  /** The connection is gone; a new one begins with a snapshot. */
  lost(): void {
    this.current = false;
  }

  /** Something is missing: ask for a new snapshot, once. */
  broken(): void {
    if (!this.current) return;
    this.current = false;
    this.gaps += 1;
    this.again();
  }

  private level([price, quantity]: LevelPair, sign: bigint): Level {
    const key = sign * unitsAt(decimal(price), KEY_SCALE);
    return { price, quantity, key, units: unitsAt(decimal(quantity), this.quantityDecimals) };
  }

  private replace(half: Level[], pairs: LevelPair[], sign: bigint): void {
    half.length = 0;
    for (const pair of pairs) half.push(this.level(pair, sign));
  }

  private change(half: Level[], pair: LevelPair, sign: bigint): void {
    const level = this.level(pair, sign);
    const index = position(half, level.key);
    const there = half[index];
    if (there !== undefined && there.key === level.key) {
      if (level.units === 0n) half.splice(index, 1);
      else {
        there.quantity = level.quantity;
        there.units = level.units;
      }
    } else if (level.units !== 0n) half.splice(index, 0, level);
  }
}

/** Where a key is or belongs in a half, whose keys grow. */
function position(half: Level[], key: bigint): number {
  let low = 0;
  let high = half.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (half[middle]!.key < key) low = middle + 1;
    else high = middle;
  }
  return low;
}
