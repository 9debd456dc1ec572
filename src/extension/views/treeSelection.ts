/** What a key binding gives as its argument: VS Code tells a command of a menu on which rows it was used, of a key it does not. */
export const selectionArgument = 'selection';

/** The rows of the tree of tasks that are selected. */
export class TreeSelection {
  private read: () => readonly unknown[] = () => [];

  follow(read: () => readonly unknown[]): void {
    this.read = read;
  }

  rows(): readonly unknown[] {
    return this.read();
  }
}
