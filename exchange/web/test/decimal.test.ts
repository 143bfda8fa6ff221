import assert from "node:assert/strict";
import { test } from "node:test";
import * as d from "../src/model/decimal";

const n = d.decimal;

test("takes what the API takes and nothing else", () => {
  for (const plain of ["1", "0.5", "150.02", "1.", ".5", "000", "1".repeat(100)]) assert.notEqual(d.parse(plain), null);
  for (const wrong of ["", ".", "1e3", "1,5", " 1", "+1", "0x1", "1.2.3", "٣", "1".repeat(101), "Infinity"])
    assert.equal(d.parse(wrong), null, wrong);
});

test("is exact where floats are not", () => {
  assert.equal(d.text(d.add(n("0.1"), n("0.2"))), "0.3");
  assert.equal(d.text(d.multiply(n("12345678901234567890.123456789"), n("3"))), "37037036703703703670.370370367");
  assert.equal(d.text(d.subtract(n("1"), n("0.000000000000000001"))), "0.999999999999999999");
});

test("writes plain text both ways", () => {
  assert.equal(d.text(n("100.00")), "100");
  assert.equal(d.text(n("100")), "100");
  assert.equal(d.fixed(n("0.5"), 4), "0.5000");
  assert.equal(d.fixed(n("149.8"), 0), "149");
  assert.equal(d.fixed(n("-0.05"), 2), "-0.05");
  assert.equal(d.text(d.ZERO), "0");
});

test("rounds a fee up and a quantity down", () => {
  assert.equal(d.text(d.ceilAt(n("0.0000011"), 6)), "0.000002");
  assert.equal(d.text(d.ceilAt(n("0.000001"), 6)), "0.000001");
  assert.equal(d.text(d.floorTo(n("12345.67"), n("100"))), "12300");
  assert.equal(d.text(d.divide(n("1"), n("3"), 4)), "0.3333");
});

test("compares across scales and knows multiples", () => {
  assert.equal(d.compare(n("1.50"), n("1.5")), 0);
  assert.equal(d.compare(n("0.1"), n("0.09")), 1);
  assert.equal(d.isMultiple(n("100.01"), n("0.01")), true);
  assert.equal(d.isMultiple(n("100.001"), n("0.01")), false);
  assert.equal(d.isMultiple(n("150"), n("100")), false);
  assert.equal(d.decimalsOf("0.00000001"), 8);
  assert.equal(d.decimalsOf("0.0100"), 2);
  assert.equal(d.decimalsOf("100"), 0);
});
