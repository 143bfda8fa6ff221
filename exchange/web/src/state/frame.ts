// Work for the next frame, once however often it was asked for: 200 changes a second cost one drawing a frame.

const tasks = new Set<() => void>();
let scheduled = false;

export function onFrame(task: () => void): void {
  tasks.add(task);
  if (scheduled) return;
  scheduled = true;
  requestAnimationFrame(run);
}

function run(): void {
  scheduled = false;
  const now = [...tasks];
  tasks.clear();
  for (const task of now) task();
}

/** Call it after the last of several calls within that time, and no later than that after the first. */
export function gathered(milliseconds: number, task: () => void): () => void {
  let timer: ReturnType<typeof setTimeout> | null = null;
  return () => {
    timer ??= setTimeout(() => {
      timer = null;
      task();
    }, milliseconds);
  };
}
