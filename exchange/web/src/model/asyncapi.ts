// What the page of /docs/websocket reads of /asyncapi.json, and what it says of a schema.

export interface Schema {
  $ref?: string;
  type?: string;
  enum?: string[];
  description?: string;
  items?: Schema | false;
  prefixItems?: Schema[];
  anyOf?: Schema[];
  oneOf?: Schema[];
  properties?: Record<string, Schema>;
  required?: string[];
}

export interface Message {
  name: string;
  summary: string;
  payload: Schema;
  examples: { payload: unknown }[];
}

export interface Channel {
  address: string;
  summary: string;
  messages: Record<string, { $ref: string }>;
}

export interface Operation {
  action: "receive" | "send";
  messages?: { $ref: string }[];
  reply?: { messages: { $ref: string }[] };
}

export interface Description {
  info: { version: string; description: string };
  servers: Record<string, { host: string; protocol: string }>;
  channels: Record<string, Channel>;
  operations: Record<string, Operation>;
  components: { messages: Record<string, Message>; schemas: Record<string, Schema> };
}

export interface Field {
  name: string;
  required: boolean;
  kind: string;
  what: string;
}

export const nameIn = (ref: string): string => ref.slice(ref.lastIndexOf("/") + 1);

/** The kind of thing that a schema admits, in a few words. */
export function kind(schema: Schema): string {
  if (schema.$ref !== undefined) return nameIn(schema.$ref);
  if (schema.enum !== undefined) return schema.enum.length > 12 ? "text, see below" : schema.enum.join(", ");
  const several = schema.anyOf ?? schema.oneOf;
  if (several !== undefined) return several.map(kind).join(" or ");
  if (schema.prefixItems !== undefined) return `[${schema.prefixItems.map(kind).join(", ")}]`;
  if (schema.type === "array") return schema.items ? `list of ${kind(schema.items)}` : "list";
  return { string: "text", integer: "whole number", boolean: "true or false" }[schema.type ?? ""] ?? schema.type ?? "any";
}

const words = (schema: Schema): string =>
  schema.description ?? (schema.anyOf ?? []).map((one) => one.description).find((one) => one !== undefined) ?? "";

/** The fields of an object, in the order of the document. */
export function fieldsOf(description: Description, schema: Schema): Field[] {
  const found = schema.$ref === undefined ? schema : description.components.schemas[nameIn(schema.$ref)];
  const required = new Set(found?.required);
  return Object.entries(found?.properties ?? {}).map(([name, field]) => ({
    name,
    required: required.has(name),
    kind: kind(field),
    what: (field.enum?.length ?? 0) > 12 ? "one of the error codes" : words(field).replaceAll("`", ""),
  }));
}
