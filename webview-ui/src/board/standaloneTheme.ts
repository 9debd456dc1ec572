/**
 * What VS Code does for a webview: the kind of theme on the body. The component library reads the theme's colours anew
 * whenever it changes.
 */
export function followColorScheme(): void {
  const dark = window.matchMedia('(prefers-color-scheme: dark)');
  const apply = (): void => {
    const kind = dark.matches ? 'vscode-dark' : 'vscode-light';
    document.body.dataset['vscodeThemeKind'] = kind;
    document.body.className = kind;
  };
  dark.addEventListener('change', apply);
  apply();
}
