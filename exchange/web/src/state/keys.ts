// The user's own API keys, read while they are shown.

import { signal } from "@preact/signals";
import { ask, get } from "../api/rest";
import { type ApiKey, ApiError } from "../api/types";
import { refusal } from "../model/words";
import { identity, signedIn } from "./identity";
import { signOut } from "./session";
import { tell } from "./trading";

export const keys = signal<readonly ApiKey[]>([]);
export const keysError = signal<string | null>(null);
const KEYS_MAX = "100"; // as many as a user may have

export async function readKeys(): Promise<void> {
  const who = identity.peek();
  try {
    const page = await get<{ keys: ApiKey[] }>("/keys", { limit: KEYS_MAX }, who);
    if (who !== identity.peek()) return;
    keys.value = page.keys.sort((a, b) => a.created_at - b.created_at);
    keysError.value = null;
  } catch (error) {
    keys.value = [];
    keysError.value = error instanceof ApiError ? refusal(error.code, error.message) : "The exchange does not answer.";
  }
}

/** Revoke a key for ever. Whoever revokes the key they have signed in with is signed out. */
export async function revoke(apiKey: string): Promise<void> {
  try {
    await ask("DELETE", "/keys", { api_key: apiKey }, identity.peek());
    tell("done", `Key ${apiKey.slice(0, 8)}… is revoked.`);
    if (signedIn.peek()?.apiKey === apiKey) signOut("You have revoked the key that you had signed in with.");
  } catch (error) {
    if (error instanceof ApiError) tell("refused", refusal(error.code, error.message));
    else tell("unsure", "The exchange does not answer: whether the key is revoked is not known.");
  }
  if (signedIn.peek() !== null) await readKeys();
}
