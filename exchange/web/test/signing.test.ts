import assert from "node:assert/strict";
import { createHmac, generateKeyPairSync, verify } from "node:crypto";
import { test } from "node:test";
import { Clock } from "../src/api/clock";
import { keyIdentity } from "../src/api/identity";
import { keyOfFile, signerOf, UnusableKey } from "../src/api/signing";

const clock = new Clock(async () => 0);

test("an hmac key signs as the exchange verifies it", async () => {
  const signer = await signerOf(" id ", " secret\n");
  assert.equal(signer.apiKey, "id");
  assert.equal(await signer.sign("1GET/balanceä"), createHmac("sha256", "secret").update("1GET/balanceä").digest("hex"));
});

test("an Ed25519 key signs, also when its PEM has lost its line ends in a field of one line", async () => {
  const { publicKey, privateKey } = generateKeyPairSync("ed25519");
  const pem = privateKey.export({ type: "pkcs8", format: "pem" }) as string;
  for (const typed of [pem, pem.replaceAll("\n", ""), pem.replaceAll("\n", " ")]) {
    const signature = await (await signerOf("id", typed)).sign("message");
    assert.ok(verify(null, Buffer.from("message"), publicKey, Buffer.from(signature, "base64")));
  }
});

test("a key that cannot be used is said in words", async () => {
  const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  const rsa = privateKey.export({ type: "pkcs8", format: "pem" }) as string;
  for (const [secret, words] of [
    ["", /Enter the API key/],
    [rsa, /not of type Ed25519/],
    ["-----BEGIN RSA PRIVATE KEY-----AA-----END RSA PRIVATE KEY-----", /must be PEM/],
    ["-----BEGIN PRIVATE KEY-----*-----END PRIVATE KEY-----", /not base64/],
  ] as const)
    await assert.rejects(signerOf("id", secret), (error) => error instanceof UnusableKey && words.test(error.message));
});

test("a key file has an id and a secret or a private key", () => {
  assert.deepEqual(keyOfFile('{"api_key":"a","secret":"b","more":1}'), { apiKey: "a", secret: "b" });
  assert.deepEqual(keyOfFile('{"api_key":"a","secret":null,"private_key":"p"}'), { apiKey: "a", secret: "p" });
  for (const text of ["", "[]", "null", '{"api_key":"a"}', '{"api_key":1,"secret":"b"}'])
    assert.throws(() => keyOfFile(text), UnusableKey);
});

test("requests of one key at one instant have different signatures, and the clock is the exchange's", async () => {
  const identity = keyIdentity(await signerOf("id", "secret"), clock, "ann");
  const [first, second] = [await identity.headers("GET", "/keys"), await identity.headers("GET", "/keys")];
  assert.notEqual(first["X-Signature"], second["X-Signature"]);
  const late = new Clock(async () => Date.now() + 3_600_000);
  const asked = keyIdentity(await signerOf("id", "secret"), late, "ann");
  assert.equal(await asked.again("TIMESTAMP_OUT_OF_WINDOW"), true);
  assert.equal(await asked.again("UNAUTHENTICATED"), false);
  const made = (await asked.authenticate()) as { timestamp: string };
  assert.ok(Math.abs(Number(made.timestamp) - Date.now() - 3_600_000) < 5_000);
});
