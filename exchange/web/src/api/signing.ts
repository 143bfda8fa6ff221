// Signing with an API key, by the browser's own cryptography. A secret is imported so that nothing can read it again.

/** Signs text as the exchange verifies it. */
export interface Signer {
  readonly apiKey: string;
  sign(message: string): Promise<string>;
}

/** The key cannot be used; the message says why, for whoever typed it. */
export class UnusableKey extends Error {}

const PEM = /^-----BEGIN ([A-Z0-9 ]+)-----([\s\S]*)-----END \1-----$/;
const encoder = new TextEncoder();

const hex = (bytes: ArrayBuffer): string =>
  [...new Uint8Array(bytes)].map((byte) => byte.toString(16).padStart(2, "0")).join("");
const base64 = (bytes: ArrayBuffer): string => btoa(String.fromCharCode(...new Uint8Array(bytes)));

/** A signer for the secret of an hmac key, or the private key of an ed25519 key as PEM. Raises UnusableKey. */
export async function signerOf(apiKey: string, secret: string): Promise<Signer> {
  if (apiKey.trim() === "" || secret.trim() === "") throw new UnusableKey("Enter the API key and its secret.");
  if (globalThis.crypto?.subtle === undefined)
    throw new UnusableKey("This browser signs over HTTPS only, or on the machine of the exchange itself.");
  const { subtle } = crypto;
  const text = secret.trim();
  if (text.startsWith("-----")) {
    const key = await privateKey(text);
    return named(apiKey, async (message) => base64(await subtle.sign("Ed25519", key, encoder.encode(message))));
  }
  const hmac = { name: "HMAC", hash: "SHA-256" };
  const key = await subtle.importKey("raw", encoder.encode(text), hmac, false, ["sign"]);
  return named(apiKey, async (message) => hex(await subtle.sign("HMAC", key, encoder.encode(message))));
}

const named = (apiKey: string, sign: Signer["sign"]): Signer => ({ apiKey: apiKey.trim(), sign });

async function privateKey(pem: string): Promise<CryptoKey> {
  const [, kind, body] = PEM.exec(pem) ?? [];
  if (kind !== "PRIVATE KEY" || body === undefined)
    throw new UnusableKey("The private key must be PEM without a password, from BEGIN to END PRIVATE KEY.");
  let bytes: Uint8Array<ArrayBuffer>;
  try {
    bytes = Uint8Array.from(atob(body.replace(/\s/g, "")), (letter) => letter.charCodeAt(0));
  } catch {
    throw new UnusableKey("The private key is not base64.");
  }
  try {
    return await crypto.subtle.importKey("pkcs8", bytes, "Ed25519", false, ["sign"]);
  } catch {
    throw new UnusableKey("The private key is not of type Ed25519, or this browser cannot sign with it.");
  }
}

/** The key of a file that `exchange key create` has printed, perhaps with a private key. Raises UnusableKey. */
export function keyOfFile(text: string): { apiKey: string; secret: string } {
  let fields: unknown;
  try {
    fields = JSON.parse(text);
  } catch {
    fields = null;
  }
  const { api_key: apiKey, secret, private_key: pem } = (fields ?? {}) as Record<string, unknown>;
  const found = secret ?? pem;
  if (typeof apiKey !== "string" || typeof found !== "string")
    throw new UnusableKey("The file must be a JSON object with api_key, and secret or private_key.");
  return { apiKey, secret: found };
}
