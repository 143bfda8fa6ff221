// Reading over REST. Everything that changes something goes over the socket.

import { ApiError, Unreachable } from "./types";

const TIMEOUT_MS = 10_000;

/** GET a path. Raises ApiError or Unreachable. */
export async function get<Reply>(path: string, query: Record<string, string> = {}): Promise<Reply> {
  const search = new URLSearchParams(query).toString();
  let response: Response;
  let body: unknown;
  try {
    response = await fetch(search === "" ? path : `${path}?${search}`, { signal: AbortSignal.timeout(TIMEOUT_MS) });
    body = await response.json();
  } catch {
    throw new Unreachable(`${path}: the exchange does not answer`);
  }
  if (response.ok) return body as Reply;
  const { code = "INTERNAL", message = "" } = body as { code?: string; message?: string };
  throw new ApiError(code, message);
}
