import { OrchestratorError } from '../ports/errors.ts';

const remedy =
  'Set ANTHROPIC_BASE_URL to an address like https://gateway.example.com, or leave it out for the service itself.';

/**
 * Throws `environment` for an ANTHROPIC_BASE_URL that Claude Code could not use, before a run is spent on it. Null is
 * the service's own address.
 */
export function checkServiceAddress(baseUrl: string | null): void {
  if (baseUrl === null || baseUrl === '') return;
  // Not quoted: what was put there by mistake may be the key itself.
  const refused = (why: string) =>
    new OrchestratorError('environment', `ANTHROPIC_BASE_URL ${why}.`, { remedy });
  if (!URL.canParse(baseUrl)) throw refused('is not an address');
  const { protocol, hostname, username, password } = new URL(baseUrl);
  if (!/^https?:$/.test(protocol) || hostname === '') throw refused('is not an address of the web');
  if (username !== '' || password !== '')
    throw refused('holds a user name or password, which would be written into records and logs');
}
