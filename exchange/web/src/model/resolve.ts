// A part of a JSON document with what it refers to in its place.

type Json = null | boolean | number | string | Json[] | { [name: string]: Json };

/** What a reference like `#/components/schemas/Order` is of; undefined if it is of nothing. */
function target(document: Json, reference: string): Json | undefined {
  if (!reference.startsWith("#/")) return undefined;
  const names = reference.slice(2).split("/").map((name) => name.replaceAll("~1", "/").replaceAll("~0", "~"));
  return at(document, names);
}

function at(document: Json, path: readonly (string | number)[]): Json | undefined {
  let here: Json | undefined = document;
  for (const name of path) {
    if (typeof here !== "object" || here === null) return undefined;
    here = (here as { [name: string]: Json })[name];
  }
  return here;
}

/** The part at a path, with every local reference replaced. One that leads into itself stays, and so does one to nothing. */
export function resolved(document: Json, path: readonly (string | number)[]): Json | undefined {
  const within: string[] = [];
  const walk = (part: Json): Json => {
    if (Array.isArray(part)) return part.map(walk);
    if (part === null || typeof part !== "object") return part;
    const reference = part["$ref"];
    if (typeof reference !== "string") return Object.fromEntries(Object.entries(part).map(([name, value]) => [name, walk(value)]));
    const found = within.includes(reference) ? undefined : target(document, reference);
    if (found === undefined || found === null || typeof found !== "object" || Array.isArray(found)) return part;
    within.push(reference);
    const { $ref, ...beside } = part;
    const whole = walk({ ...found, ...beside });
    within.pop();
    return typeof whole === "object" && whole !== null && !Array.isArray(whole) ? { ...whole, $$ref: reference } : whole;
  };
  const part = at(document, path);
  return part === undefined ? undefined : walk(part);
}
