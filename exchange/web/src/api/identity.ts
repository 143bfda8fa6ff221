// Who trades. In dev mode the exchange believes the user that a request names; otherwise a key signs.

import type { Clock } from "./clock";
import type { Signer } from "./signing";

export interface Identity {
  /** Empty while nobody is chosen or signed in. */
  readonly userId: string;
  /** Whether `authenticate` has a message that must be answered before any other on a new connection. */
  readonly signs: boolean;
  /** What the identity adds to a message over the socket. */
  fields(): Record<string, string>;
  /** What it adds to the query of a REST call. */
  query(): Record<string, string>;
  /** The headers that sign a REST call; `target` is path and query. */
  headers(method: string, target: string): Promise<Record<string, string>>;
  /** What the message AUTH says; null where nothing is signed. */
  authenticate(): Promise<Record<string, unknown> | null>;
  /** Whether what was refused with this code may be signed and sent once more. */
  again(code: string): Promise<boolean>;
}

const unsigned = {
  signs: false,
  headers: async () => ({}),
  authenticate: async () => null,
  again: async () => false,
};

export function devIdentity(userId: string): Identity {
  return { userId, fields: () => ({ user_id: userId }), query: () => ({ user_id: userId }), ...unsigned };
}

/** Sees what is public. */
export const NOBODY: Identity = { userId: "", fields: () => ({}), query: () => ({}), ...unsigned };

const nonce = (): string => crypto.randomUUID().replaceAll("-", "");

/** Whose key it is, the exchange knows; `userId` is what it has said. */
export function keyIdentity(signer: Signer, clock: Clock, userId: string): Identity {
  const signed = async (message: string): Promise<{ timestamp: string; nonce: string; signature: string }> => {
    const timestamp = String(clock.now());
    const once = nonce();
    return { timestamp, nonce: once, signature: await signer.sign(`${timestamp}${once}${message}`) };
  };
  return {
    userId,
    signs: true,
    fields: () => ({}),
    query: () => ({}),
    async headers(method, target) {
      const made = await signed(`${method}${target}`);
      return {
        "X-API-Key": signer.apiKey,
        "X-Timestamp": made.timestamp,
        "X-Nonce": made.nonce,
        "X-Signature": made.signature,
      };
    },
    authenticate: async () => ({ api_key: signer.apiKey, ...(await signed("AUTH")) }),
    async again(code) {
      if (code !== "TIMESTAMP_OUT_OF_WINDOW") return false;
      await clock.set();
      return true;
    },
  };
}
