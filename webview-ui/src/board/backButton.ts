import * as v from 'valibot';

const stateSchema = v.object({ opened: v.string() });

/** The browser's Back leaves an open task and not the board: on a phone there is no other key for it. */
export class BackButton {
  /** `onPlace`: the task that the person went to; null = the board. */
  constructor(onPlace: (opened: string | null) => void) {
    window.addEventListener('popstate', () => onPlace(opened()));
  }

  entered(id: string): void {
    if (opened() === id) return;
    if (opened() === null) history.pushState({ opened: id }, '');
    else history.replaceState({ opened: id }, '');
  }

  /** Whether the browser goes back itself, and tells when it has. */
  goesBack(): boolean {
    if (opened() === null) return false;
    history.back();
    return true;
  }
}

function opened(): string | null {
  const parsed = v.safeParse(stateSchema, history.state);
  return parsed.success ? parsed.output.opened : null;
}
