import type { ComponentChildren } from "preact";
import { useId } from "preact/hooks";

interface Props<Name extends string> {
  label: string;
  names: readonly (readonly [Name, ComponentChildren])[];
  chosen: Name;
  choose: (name: Name) => void;
  children?: ComponentChildren;
  /** What stands beside the tabs. */
  beside?: ComponentChildren;
}

/** Tabs with one panel, by the keys of the ARIA practices: arrows, Home and End move and choose. */
export function Tabs<Name extends string>({ label, names, chosen, choose, children, beside }: Props<Name>) {
  const id = useId();
  const move = (event: KeyboardEvent): void => {
    const at = names.findIndex(([name]) => name === chosen);
    const to = { ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: names.length - 1 }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    const [name] = names[(to + names.length) % names.length]!;
    choose(name);
    document.getElementById(`${id}-${name}`)?.focus();
  };
  return (
    <>
      <div class="head">
        <div class="tabs" role="tablist" aria-label={label} onKeyDown={move}>
          {names.map(([name, shown]) => (
            <button
              key={name}
              id={`${id}-${name}`}
              type="button"
              role="tab"
              aria-selected={name === chosen}
              aria-controls={`${id}-panel`}
              tabIndex={name === chosen ? 0 : -1}
              onClick={() => choose(name)}
            >
              {shown}
            </button>
          ))}
        </div>
        {beside}
      </div>
      <div class="panel-body" id={`${id}-panel`} role="tabpanel" aria-labelledby={`${id}-${chosen}`}>
        {children}
      </div>
    </>
  );
}
