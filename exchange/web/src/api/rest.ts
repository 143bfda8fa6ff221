// Calls over REST. Orders and cancels go over the socket.

import type { Identity } from "./identity";
import { ApiError, Unreachable } from "./types";

const TIMEOUT_MS = 10_000;

/** GET a path, in the name of the identity where the call is not public. Raises ApiError or Unreachable. */
export const get = <Reply>(path: string, query: Record<string, string> = {}, identity?: Identity): Promise<Reply> =>
  ask<Reply>("GET", path, query, identity);

/** A call that says in its query what it asks. Raises ApiError or Unreachable. */
export async function ask<Reply>(
  method: "GET" | "DELETE",
  path: string,
  query: Record<string, string>,
  identity?: Identity,
): Promise<Reply> {
  const search = new URLSearchParams({ ...identity?.query(), ...query }).toString();
  const target = search === "" ? path : `${path}?${search}`;
  try {
    return await once<Reply>(method, target, identity);
  } catch (error) {
    if (!(error instanceof ApiError) || !(await identity?.again(error.code))) throw error;
    return once<Reply>(method, target, identity);
  }
}

async function once<Reply>(method: string, target: string, identity?: Identity): Promise<Reply> {
  const headers = (await identity?.headers(method, target)) ?? {};
  let response: Response;
  let body: unknown;
  try {
    response = await fetch(target, { method, headers, signal: AbortSignal.timeout(TIMEOUT_MS) });
    body = await response.json();
  } catch {
    throw new Unreachable(`${target}: the exchange does not answer`);
  }
  if (response.ok) return body as Reply;
  const { code = "INTERNAL", message = "" } = body as { code?: string; message?: string };
  throw new ApiError(code, message);
}
