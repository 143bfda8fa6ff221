import assert from "node:assert/strict";
import { test } from "node:test";
import { resolved } from "../src/model/resolve";

const document = {
  paths: { "/a/b": { get: { schema: { $ref: "#/components/Pair" }, other: [{ $ref: "#/components/No" }, 1, null] } } },
  components: {
    Pair: { title: "Pair", items: { $ref: "#/components/One", description: "the first" } },
    One: { type: "string", description: "one" },
    Tree: { leaves: { $ref: "#/components/Tree" } },
    By: { $ref: "#/paths/~1a~1b/get/other/1" },
  },
};

test("a part has what it refers to in its place, and keeps what stands beside a reference", () => {
  const one = { type: "string", description: "the first", $$ref: "#/components/One" };
  const pair = { title: "Pair", items: one, $$ref: "#/components/Pair" };
  assert.deepEqual(resolved(document, ["paths", "/a/b", "get"]), { schema: pair, other: [{ $ref: "#/components/No" }, 1, null] });
  assert.equal(resolved(document, ["paths", "/none"]), undefined);
});

test("a reference that leads into itself stays, and so does one to what is no part", () => {
  const once = { leaves: { leaves: { $ref: "#/components/Tree" }, $$ref: "#/components/Tree" } };
  assert.deepEqual(resolved(document, ["components", "Tree"]), once);
  assert.deepEqual(resolved(document, ["components", "By"]), { $ref: "#/paths/~1a~1b/get/other/1" });
});
