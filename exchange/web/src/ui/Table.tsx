import type { ComponentChildren } from "preact";

interface Props {
  names: string[];
  children: ComponentChildren;
  /** What is said instead of rows. */
  empty: string | null;
}

/** Rows under names; a column without a name has buttons. */
export function Table({ names, children, empty }: Props) {
  return (
    <div class="scroll" tabIndex={0} role="region" aria-label="Rows">
      <table class="numbers wide">
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
