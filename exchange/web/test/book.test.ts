import assert from "node:assert/strict";
import { test } from "node:test";
import type { LevelPair } from "../src/api/types";
import { Book } from "../src/model/book";

const snapshot = (last_sequence: number, bids: LevelPair[], asks: LevelPair[]) =>
  ({ type: "snapshot", last_sequence, bids, asks }) as const;
const diff = (first_sequence: number, last_sequence: number, bids: LevelPair[], asks: LevelPair[]) =>
  ({ type: "diff", first_sequence, last_sequence, bids, asks }) as const;
const shown = (book: Book) => ({
  bids: book.bids.map(({ price, quantity }) => `${quantity} @ ${price}`),
  asks: book.asks.map(({ price, quantity }) => `${quantity} @ ${price}`),
});

function begun(): { book: Book; asked: () => number } {
  let asked = 0;
  const book = new Book(4, () => (asked += 1));
  book.take(snapshot(7, [["99.5", "2"], ["99", "1"]], [["100", "3"], ["100.5", "1"]]));
  return { book, asked: () => asked };
}

test("diffs change, add and remove levels, each in its place", () => {
  const { book } = begun();
  book.take(diff(8, 8, [["99.2", "5"]], []));
  book.take(diff(9, 11, [["99.5", "0"], ["99.75", "0.5"]], [["100", "1"], ["100.25", "4"], ["9", "0"]]));
  assert.deepEqual(shown(book), {
    bids: ["0.5 @ 99.75", "5 @ 99.2", "1 @ 99"],
    asks: ["1 @ 100", "4 @ 100.25", "1 @ 100.5"],
  });
  assert.equal(book.lastSequence, 11);
  assert.equal(book.current, true);
  assert.equal(book.bids[0]!.units, 5000n);
});

test("prices order as numbers, not as texts", () => {
  const book = new Book(0, () => undefined);
  book.take(snapshot(1, [], [["9.5", "1"], ["10", "1"]]));
  book.take(diff(2, 2, [["9", "1"], ["8.75", "1"]], [["9.75", "1"], ["100", "1"]]));
  assert.deepEqual(shown(book).asks, ["1 @ 9.5", "1 @ 9.75", "1 @ 10", "1 @ 100"]);
  assert.deepEqual(shown(book).bids, ["1 @ 9", "1 @ 8.75"]);
});

test("a hole makes it not current, and asks once for a snapshot that makes it current again", () => {
  const { book, asked } = begun();
  const before = shown(book);
  book.take(diff(9, 9, [["99", "0"]], []));
  book.take(diff(10, 10, [["99.5", "0"]], []));
  assert.equal(book.current, false);
  assert.deepEqual([book.gaps, asked()], [1, 1]);
  assert.deepEqual(shown(book), before); // the last that was whole
  book.take(snapshot(10, [["98", "1"]], []));
  assert.equal(book.current, true);
  assert.deepEqual(shown(book), { bids: ["1 @ 98"], asks: [] });
  book.take(diff(11, 11, [], [["99", "1"]]));
  assert.deepEqual([book.lastSequence, book.gaps, asked()], [11, 1, 1]);
});

test("a repeated diff is a hole too", () => {
  const { book } = begun();
  book.take(diff(8, 8, [["99", "4"]], []));
  book.take(diff(8, 8, [["99", "4"]], []));
  assert.equal(book.current, false);
});

test("a lost connection is no gap, and nothing counts until the next snapshot", () => {
  const { book, asked } = begun();
  book.lost();
  book.take(diff(8, 8, [["99", "0"]], []));
  assert.deepEqual([book.current, book.gaps, asked(), book.lastSequence], [false, 0, 0, 7]);
});

test("random changes leave the same book as a map of them", () => {
  const book = new Book(0, () => assert.fail("no hole"));
  book.take(snapshot(0, [], []));
  const model = new Map<string, string>();
  let seed = 7;
  const random = (below: number): number => (seed = (seed * 48271) % 2147483647) % below;
  for (let sequence = 1; sequence <= 3000; sequence++) {
    const price = `${100 + random(80)}.${random(10)}5`;
    const quantity = String(random(4));
    book.take(diff(sequence, sequence, [[price, quantity]], []));
    if (quantity === "0") model.delete(price);
    else model.set(price, quantity);
  }
  const expected = [...model].sort(([a], [b]) => Number(b) - Number(a)).map(([price, quantity]) => `${quantity} @ ${price}`);
  assert.ok(expected.length > 100);
  assert.deepEqual(shown(book).bids, expected);
});
