import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { OrchestratorError } from '../ports/errors.ts';
import type { ContainerEngine } from './containerEngine.ts';
import { EngineError } from './containerEngine.ts';
import type { ContainerUser } from './containerSpec.ts';
import { probeContainer } from './containerSpec.ts';
import { probeScript } from './containerScripts.ts';

/** An image that is here and fit for use. */
export interface PreparedImage {
  readonly id: string;
  /** Claude Code in the image, or null when it has none. */
  readonly claudePath: string | null;
  /** The image's password file. */
  readonly passwd: string;
}

export interface ContainerImagesOptions {
  readonly engine: ContainerEngine;
  /** Labels the probe containers for the reaper. */
  readonly storageId: string;
  /** Folder of the Dockerfile. */
  readonly buildContext: string;
  readonly user: ContainerUser;
  readonly onProgress: (text: string) => void;
}

/** Finds or builds the images that leases run on, and asks each once what it offers. */
export class ContainerImages {
  private readonly options: ContainerImagesOptions;
  private readonly builds = new Map<string, Promise<void>>();
  private readonly probes = new Map<string, Promise<PreparedImage>>();

  constructor(options: ContainerImagesOptions) {
    this.options = options;
  }

  /** `name` null: the image of our own Dockerfile, built at its first use. Never pulls an image that was named. */
  async prepare(name: string | null): Promise<PreparedImage> {
    const tag = name ?? (await this.ownTag());
    let id = await this.options.engine.imageId(tag);
    if (id === null && name === null) {
      await once(this.builds, tag, () => this.build(tag));
      id = await this.options.engine.imageId(tag);
    }
    if (id === null) throw missing(tag);
    const found = id;
    return once(this.probes, found, () => this.probe(found, tag));
  }

  /** Throws when the image is missing or unfit. Our own need not have been built yet. */
  async check(name: string | null): Promise<PreparedImage | null> {
    const tag = name ?? (await this.ownTag());
    if (name === null && (await this.options.engine.imageId(tag)) === null) return null;
    return this.prepare(name);
  }

  /** The tag names the content, so a changed Dockerfile or Claude Code version is another image. */
  private async ownTag(): Promise<string> {
    const content = await readFile(join(this.options.buildContext, 'Dockerfile'));
    return `orchestrator-manager:${createHash('sha256').update(content).digest('hex').slice(0, 12)}`;
  }

  private async build(tag: string): Promise<void> {
    const { engine, buildContext, onProgress } = this.options;
    onProgress('Building the container image; this happens once and takes a minute or more.');
    try {
      await engine.buildImage(buildContext, tag, (line) => onProgress(`Container image: ${line}`));
    } catch (error) {
      if (!(error instanceof EngineError)) throw error;
      throw new OrchestratorError('environment', `The container image could not be built: ${error.message}`, {
        remedy:
          'Check that the base image and the npm registry can be reached, or name an image of your own.',
        cause: error,
      });
    }
    onProgress('The container image is built.');
  }

  private async probe(id: string, tag: string): Promise<PreparedImage> {
    const { engine, storageId, user } = this.options;
    let container: string | undefined;
    try {
      container = await engine.create(probeContainer(storageId, id, user));
      await engine.start(container);
      const { code, stdout, stderr } = await engine.run(container, ['sh', '-c', probeScript]);
      if (code === 3) throw unfit(tag, `it has no ${stderr.trim()}`);
      if (code !== 0) throw unfit(tag, stderr.trim() || stdout.trim());
      const [claudePath, ...passwd] = stdout.split('\n');
      return { id, claudePath: claudePath || null, passwd: passwd.join('\n') };
    } catch (error) {
      // An image without a shell is refused when the container is started.
      throw error instanceof EngineError && error.message.includes('"sh"')
        ? unfit(tag, 'it has no sh')
        : error;
    } finally {
      if (container !== undefined) await engine.remove(container);
    }
  }
}

/** The running or finished work for this key; work that failed is forgotten, so that it can be tried again. */
async function once<Value>(
  known: Map<string, Promise<Value>>,
  key: string,
  work: () => Promise<Value>,
): Promise<Value> {
  const running = known.get(key) ?? work();
  known.set(key, running);
  try {
    return await running;
  } catch (error) {
    known.delete(key);
    throw error;
  }
}

function missing(tag: string): OrchestratorError {
  return new OrchestratorError('environment', `The container image ${tag} is not on this machine.`, {
    remedy: `Run "docker pull ${tag}" or build it, or choose another image.`,
  });
}

function unfit(tag: string, why: string): OrchestratorError {
  return new OrchestratorError('environment', `The container image ${tag} cannot be used: ${why}.`, {
    remedy: 'An image needs sh, git and the basic tools (coreutils and util-linux, or busybox).',
  });
}
