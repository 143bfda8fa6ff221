// Who the page acts for: a name that it says, or a key that the reader has signed in with. The key is kept in memory only.

import { computed, signal } from "@preact/signals";
import { Clock } from "../api/clock";
import { devIdentity, type Identity, NOBODY } from "../api/identity";
import { get } from "../api/rest";
import { userId } from "./settings";

export interface SignedIn {
  identity: Identity;
  apiKey: string;
  permissions: readonly string[];
}

/** Whether the exchange takes signed requests only. */
export const signsIn = document.querySelector('meta[name="exchange-auth"][content="keys"]') !== null;
export const signedIn = signal<SignedIn | null>(null);
export const clock = new Clock(async () => (await get<{ timestamp: number }>("/time")).timestamp);

export const identity = computed<Identity>(() =>
  signsIn ? (signedIn.value?.identity ?? NOBODY) : devIdentity(userId.value),
);
/** Whether orders may be placed, as far as the page knows. */
export const mayTrade = computed(() => !signsIn || (signedIn.value?.permissions.includes("trade") ?? false));
