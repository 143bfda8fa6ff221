import type { ComponentChildren } from "preact";

interface Props {
  names: string[];
  children: ComponentChildren;
  /** What is said instead of rows. */
  empty: string | null;
  /** On a phone each row is a card of two lines: what and price; time, what is executed, and the last cell. */
  cards?: boolean;
}

/** Rows under names; a column without a name has buttons. */
export function Table({ names, children, empty, cards = false }: Props) {
  return (
    <div class="scroll" tabIndex={0} role="region" aria-label="Rows">
      <table class={`numbers wide ${cards ? "cards" : ""}`}>
        <thead>
          <tr>
            {names.map((name) => (
              <th key={name} scope="col">
                {name === "" ? <span class="sr-only">Action</span> : name}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>{children}</tbody>
      </table>
      {empty !== null && <p class="empty">{empty}</p>}
    </div>
  );
}
