// `npm run vscode`: a ready VS Code in a browser on loopback, with the extension from dist and a sample repository.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import pc from 'picocolors';
import { featureRequest, makeSampleRepository } from '../../test/support/sampleRepository.ts';
import { ScriptedMessagesApi } from '../../test/support/scriptedMessagesApi.ts';
import { sampleModel } from '../demo/sampleModel.ts';
import { chooseIsolation } from '../demo/isolation.ts';
import { installedVscode, vscodeReleases } from './installations.ts';
import { main as getVscode } from './getVscode.ts';
import { VscodeServer } from './vscodeServer.ts';

const root = resolve(import.meta.dirname, '../..');
const credentials = ['ANTHROPIC_API_KEY', 'CLAUDE_CODE_OAUTH_TOKEN'];

const help = `npm run vscode [-- --folder PATH] [--oldest]

  --folder PATH   a repository of yours instead of the sample; agents then work on it
  --oldest        the oldest VS Code the extension supports (${vscodeReleases.at(-1)?.version}) instead of the newest (${vscodeReleases[0].version})

With ANTHROPIC_API_KEY or CLAUDE_CODE_OAUTH_TOKEN set, agents are real and cost money; else they are played by a script.`;

export async function main(args: readonly string[]): Promise<number> {
  const { values } = parseArgs({
    args: [...args],
    options: { folder: { type: 'string' }, oldest: { type: 'boolean' }, help: { type: 'boolean' } },
  });
  if (values.help === true) {
    say(help);
    return 0;
  }
  const release = values.oldest === true ? vscodeReleases[1] : vscodeReleases[0];
  await getVscode([release.version]);
  installedVscode(release);

  const lab = await mkdtemp(join(tmpdir(), 'orchestrator-vscode-'));
  const isReal = credentials.some((name) => (process.env[name] ?? '') !== '');
  const isolation = await chooseIsolation(isReal);
  const api = isReal
    ? null
    : await new ScriptedMessagesApi({ model: sampleModel(), host: isolation.apiHost }).start();
  let server: VscodeServer | null = null;
  try {
    const repository =
      values.folder === undefined
        ? await makeSampleRepository(join(lab, 'tiny-text'))
        : resolve(values.folder);
    server = await VscodeServer.start({
      release,
      lab,
      trust: 'given',
      env:
        api === null
          ? {}
          : {
              ANTHROPIC_API_KEY: 'no-key-is-needed-here',
              ANTHROPIC_BASE_URL: `http://${isolation.apiHost}:${api.port}`,
            },
      settings: {
        'orchestrator.isolation': isolation.kind,
        ...(isolation.kind === 'process'
          ? { 'orchestrator.claudePath': join(root, 'node_modules/.bin/claude') }
          : {}),
        ...(values.folder === undefined ? { 'orchestrator.testCommand': featureRequest.testCommand } : {}),
      },
    });
    const url = server.url({ workspace: repository, extensions: [root], tests: null });
    say(`\n${pc.bold(`VS Code ${release.version}`)} with the extension, on ${repository}\n`);
    say(`  ${pc.cyan(url)}\n`);
    say(`Isolation   ${isolation.description}`);
    say(
      `Model       ${isReal ? 'the real service, with the credentials of your environment' : 'scripted, on this machine; nothing is sent out'}`,
    );
    if (!isReal && values.folder === undefined)
      say(
        `Try         Orchestrator: New Task, with the title "${featureRequest.title}": the script knows this one`,
      );
    say('\nCtrl-C ends it and removes what it wrote.');
    await interrupted();
    return 0;
  } finally {
    await server?.stop();
    await api?.close();
    await rm(lab, { recursive: true, force: true, maxRetries: 5 });
  }
}

/** Resolves at the first request to end. */
function interrupted(): Promise<void> {
  return new Promise((done) => {
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => done());
  });
}

const say = (line: string): void => void process.stdout.write(`${line}\n`);
