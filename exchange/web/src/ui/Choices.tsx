interface Props<Value extends string> {
  name: string;
  label: string;
  chosen: Value;
  choices: readonly { value: Value; label: string }[];
  choose: (value: Value) => void;
}

/** A few choices side by side, of which one holds. */
export function Choices<Value extends string>({ name, label, chosen, choices, choose }: Props<Value>) {
  return (
    <fieldset class={`choices ${name}`}>
      <legend class="sr-only">{label}</legend>
      {choices.map((one) => (
        <label key={one.value} data-value={one.value}>
          <input type="radio" name={name} value={one.value} checked={chosen === one.value} onChange={() => choose(one.value)} />
          <span>{one.label}</span>
        </label>
      ))}
    </fieldset>
  );
}

/** More choices than fit side by side. */
export function Select<Value extends string>(props: Props<Value> & { title?: string | undefined }) {
  return (
    <div class="field">
      <label for={props.name}>{props.label}</label>
      <select
        id={props.name}
        value={props.chosen}
        title={props.title}
        onChange={(event) => props.choose(event.currentTarget.value as Value)}
      >
        {props.choices.map((one) => (
          <option key={one.value} value={one.value}>
            {one.label}
          </option>
        ))}
      </select>
    </div>
  );
}
