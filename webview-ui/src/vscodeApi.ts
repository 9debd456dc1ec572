/** What VS Code gives a page, once. */
export interface VsCodeApi {
  postMessage(message: unknown): void;
  getState(): unknown;
  /** Survives reloads and hiding, is of this panel alone. */
  setState(state: unknown): void;
}

declare const acquireVsCodeApi: () => VsCodeApi;

/** May be called once in a page's life; kept private to the page. */
export const vsCodeApi = (): VsCodeApi => acquireVsCodeApi();
