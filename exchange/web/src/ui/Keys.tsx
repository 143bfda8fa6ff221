import { signal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import type { ApiKey } from "../api/types";
import { dayAndClock } from "../model/format";
import { mayTrade, signedIn } from "../state/identity";
import { keys, keysError, readKeys, revoke } from "../state/keys";
import { Table } from "./Table";

/** The key that a second click revokes. */
const asked = signal<string | null>(null);

function Revoke({ row }: { row: ApiKey }) {
  const name = row.label ?? row.api_key.slice(0, 8);
  if (asked.value !== row.api_key)
    return (
      <button type="button" class="small" aria-label={`Revoke ${name}`} onClick={() => (asked.value = row.api_key)}>
        Revoke
      </button>
    );
  return (
    <span class="beside">
      <button type="button" class="small" onClick={() => (asked.value = null)}>
        Keep
      </button>
      <button
        type="button"
        class="small danger"
        aria-label={`Revoke ${name} for ever`}
        onClick={() => {
          asked.value = null;
          void revoke(row.api_key);
        }}
      >
        Revoke for ever
      </button>
    </span>
  );
}

/** The keys of who is signed in. */
export function Keys() {
  const session = signedIn.value;
  useEffect(() => {
    asked.value = null;
    if (session !== null) void readKeys();
  }, [session]);
  const rows = session === null ? [] : keys.value;
  return (
    <Table
      names={["Key", "Label", "Type", "May", "From", "Ends", ""]}
      empty={rows.length > 0 ? null : session === null ? "Sign in to see your keys." : (keysError.value ?? "No keys.")}
    >
      {rows.map((row) => (
        <tr key={row.api_key} data-key={row.api_key} title={`Created ${dayAndClock(row.created_at)}`}>
          <td title={row.api_key}>
            {row.api_key.slice(0, 8)}…{row.api_key === session?.apiKey && <span class="badge state" data-state="live">this one</span>}
          </td>
          <td>{row.label ?? "–"}</td>
          <td>{row.type}</td>
          <td>{row.permissions.join(", ")}</td>
          <td>{row.allowed_addresses.length > 0 ? row.allowed_addresses.join(", ") : "anywhere"}</td>
          <td class="soft">{row.expires_at === null ? "never" : dayAndClock(row.expires_at)}</td>
          <td>{mayTrade.value && <Revoke row={row} />}</td>
        </tr>
      ))}
    </Table>
  );
}
