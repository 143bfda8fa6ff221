import { notice } from "../state/trading";

/** What became of the last order, change or cancel. */
export function NoticeLine({ class: name }: { class: string }) {
  const told = notice.value;
  return (
    <div class={name} role="status" aria-live="polite">
      {told !== null && (
        <p key={told.id} class="notice" data-kind={told.kind}>
          {told.text}
        </p>
      )}
    </div>
  );
}
