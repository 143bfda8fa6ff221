import assert from "node:assert/strict";
import { test } from "node:test";
import { type Description, fieldsOf, kind } from "../src/model/asyncapi";

test("a schema is said in a few words", () => {
  assert.equal(kind({ type: "string" }), "text");
  assert.equal(kind({ anyOf: [{ $ref: "#/components/schemas/OrderFill" }, { type: "null" }] }), "OrderFill or null");
  assert.equal(kind({ type: "array", prefixItems: [{ type: "string" }, { type: "string" }], items: false }), "[text, text]");
  assert.equal(kind({ type: "array", items: { $ref: "#/x/Order" } }), "list of Order");
  assert.equal(kind({ enum: ["buy", "sell"], type: "string" }), "buy, sell");
});

test("the fields of a message say which must be there", () => {
  const schema = { required: ["a"], properties: { a: { type: "integer", description: "a `count`" }, b: { type: "boolean" } } };
  const description = { components: { messages: {}, schemas: { One: schema } } } as unknown as Description;
  assert.deepEqual(fieldsOf(description, { $ref: "#/components/schemas/One" }), [
    { name: "a", required: true, kind: "whole number", what: "a count" },
    { name: "b", required: false, kind: "true or false", what: "" },
  ]);
});
