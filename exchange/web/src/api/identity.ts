// Who trades. In dev mode the exchange believes the user that a request names. Signing in with a key is another Identity:
// `authenticate` sends AUTH before anything else on a new connection, and `fields` and `query` name nobody.

export interface Identity {
  readonly userId: string;
  /** What the identity adds to a message over the socket. */
  fields(): Record<string, string>;
  /** What it adds to the query of a REST call. */
  query(): Record<string, string>;
  /** The message that must be answered before any other on a new connection, or null. */
  authenticate(): Record<string, unknown> | null;
}

export function devIdentity(userId: string): Identity {
  return {
    userId,
    fields: () => ({ user_id: userId }),
    query: () => ({ user_id: userId }),
    authenticate: () => null,
  };
}
