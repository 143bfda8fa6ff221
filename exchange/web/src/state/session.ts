// Signing in and out. A key that the exchange does not take any more ends the session.

import { effect, signal } from "@preact/signals";
import { keyIdentity, NOBODY } from "../api/identity";
import { signerOf, UnusableKey } from "../api/signing";
import { ApiError, Unreachable } from "../api/types";
import { refusal } from "../model/words";
import { socket } from "./exchange";
import { clock, identity, signedIn, signsIn } from "./identity";

/** Whether the dialog to sign in is open. */
export const asksForKey = signal(false);
/** Why nobody is signed in, as a sentence; or null. */
export const sessionError = signal<string | null>(null);

interface Authenticated {
  user_id: string;
  permissions: string[];
}

/** Sign in; whether it succeeded. `sessionError` says why not. */
export async function signIn(apiKey: string, secret: string): Promise<boolean> {
  sessionError.value = null;
  try {
    const signer = await signerOf(apiKey, secret);
    await clock.set();
    const found = await socket.signIn<Authenticated>(keyIdentity(signer, clock, ""));
    const known = keyIdentity(signer, clock, found.user_id);
    signedIn.value = { identity: known, apiKey: signer.apiKey, permissions: found.permissions };
    return true;
  } catch (error) {
    if (error instanceof ApiError) sessionError.value = refusal(error.code, error.message);
    else if (error instanceof Unreachable || error instanceof UnusableKey) sessionError.value = error.message;
    else throw error;
    return false;
  }
}

/** Forget the key. */
export function signOut(reason: string | null = null): void {
  sessionError.value = reason;
  signedIn.value = null;
  socket.leave(NOBODY);
}

/** The key was refused when a connection was made again. */
function refused(error: ApiError): void {
  signOut(refusal(error.code, error.message));
  asksForKey.value = true;
}

export function start(): void {
  effect(() => socket.identify(identity.value));
  if (signsIn) socket.onRefused = refused;
}
