import { signal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { keyOfFile, UnusableKey } from "../api/signing";
import { asksForKey, sessionError, signIn } from "../state/session";

const sending = signal(false);
const FILE_BYTES_MAX = 100_000;

/** The dialog that asks for a key. What was typed is gone when it closes. */
export function SignIn() {
  const dialog = useRef<HTMLDialogElement>(null);
  const open = asksForKey.value;
  useEffect(() => {
    if (open) dialog.current?.showModal();
    else dialog.current?.close();
  }, [open]);
  const field = (form: HTMLFormElement, name: string): HTMLInputElement =>
    form.elements.namedItem(name) as HTMLInputElement;

  const submit = async (event: SubmitEvent): Promise<void> => {
    event.preventDefault();
    const form = event.currentTarget as HTMLFormElement;
    if (sending.peek()) return;
    sending.value = true;
    const done = await signIn(field(form, "api-key").value, field(form, "secret").value);
    sending.value = false;
    if (!done) return;
    form.reset(); // at once: the dialog closes, and says so, only after the next frames
    asksForKey.value = false;
  };

  const closed = (): void => {
    if (dialog.current!.open) return; // the browser says so a little later: it may be open again by then
    dialog.current!.querySelector("form")!.reset();
    asksForKey.value = false;
  };

  const take = async (input: HTMLInputElement): Promise<void> => {
    const file = input.files?.[0];
    if (file === undefined) return;
    try {
      if (file.size > FILE_BYTES_MAX) throw new UnusableKey("The file is too large for a key.");
      const { apiKey, secret } = keyOfFile(await file.text());
      field(input.form!, "api-key").value = apiKey;
      field(input.form!, "secret").value = secret;
      sessionError.value = null;
    } catch (error) {
      if (!(error instanceof UnusableKey)) throw error;
      sessionError.value = error.message;
    }
  };

  return (
    <dialog ref={dialog} class="sign-in" aria-labelledby="sign-in-title" onClose={closed}>
      <form onSubmit={(event) => void submit(event)} noValidate>
        <h2 id="sign-in-title">Sign in with an API key</h2>
        <p class="soft">
          The key stays in the memory of this page, which signs with it, and is gone when the page is closed or loaded again.
        </p>
        <label for="sign-in-key">API key</label>
        <input id="sign-in-key" name="api-key" type="text" autocomplete="off" spellcheck={false} maxLength={64} />
        <label for="sign-in-secret">Secret, or Ed25519 private key as PEM</label>
        <input id="sign-in-secret" name="secret" type="password" autocomplete="off" maxLength={4000} />
        <label for="sign-in-file">Or the key file that was created with it</label>
        <input
          id="sign-in-file"
          type="file"
          accept=".json,application/json"
          onChange={(event) => void take(event.currentTarget)}
        />
        <div role="alert">{sessionError.value !== null && <p class="notice" data-kind="refused">{sessionError.value}</p>}</div>
        <div class="dialog-buttons">
          <button type="button" class="small" onClick={() => (asksForKey.value = false)}>
            Cancel
          </button>
          <button type="submit" class="primary" aria-disabled={sending.value}>
            {sending.value ? "Signing in…" : "Sign in"}
          </button>
        </div>
      </form>
    </dialog>
  );
}

/** Who is signed in, in the top bar. */
export function Session({ user, leave }: { user: string | null; leave: () => void }) {
  if (user === null)
    return (
      <button type="button" class="primary" onClick={() => (asksForKey.value = true)}>
        Sign in
      </button>
    );
  return (
    <div class="user">
      <span class="user-name" title={user}>
        {user}
      </span>
      <button type="button" class="small" onClick={leave}>
        Sign out
      </button>
    </div>
  );
}
