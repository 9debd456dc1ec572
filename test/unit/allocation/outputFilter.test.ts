import { spawnSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { outputFilterOf } from '../../../src/engine/allocation/outputFilter.ts';

describe.skipIf(process.platform === 'win32')('the filter between a program and its files', () => {
  const filtered = (env: Readonly<Record<string, string>>, input: string | Buffer): string => {
    const program = outputFilterOf(env);
    if (program === null) throw new Error('There is nothing to take out');
    const { stdout, stderr } = spawnSync('sed', ['-e', program], { input, env: { LC_ALL: 'C' } });
    expect(stderr.toString()).toBe('');
    return stdout.toString('latin1');
  };

  it('takes every occurrence of every secret out, as it is and as JSON has it', () => {
    const env = { API_KEY: 'sk-"quoted"-1', AUTH_TOKEN: 'tok-123456', LANG: 'tok-9' };
    const line = JSON.stringify({ a: 'sk-"quoted"-1', b: 'tok-123456tok-123456', c: 'tok-9' });
    expect(filtered(env, `${line}\nsk-"quoted"-1\n`)).toBe(
      '{"a":"[redacted]","b":"[redacted][redacted]","c":"tok-9"}\n[redacted]\n',
    );
  });

  it.each([String.raw`a.b*c[d]e^f$g\h/i&j`, 'key with spaces', '(){}|+?~#%', 'k\u00E9yring-\u4E2D\u6587'])(
    'takes %s for nothing but itself',
    (secret) => {
      expect(filtered({ API_KEY: secret }, `<${secret}>\n<${secret.replace(/./u, '_')}>\n`)).toBe(
        `<[redacted]>\n<${Buffer.from(secret.replace(/./u, '_')).toString('latin1')}>\n`,
      );
    },
  );

  it('takes the longer of two secrets that begin alike', () => {
    expect(filtered({ KEY_A: 'sesame-1', KEY_B: 'sesame-1-2' }, 'sesame-1-2\n')).toBe('[redacted]\n');
  });

  it('leaves of the pieces of an answer no more than that there were some', () => {
    const whole = '{"type":"assistant","text":"{\\"type\\":\\"stream_event\\",1"}\n';
    const piece = '{"type":"stream_event","event":{"delta":{"text":"sesa"}}}\n';
    expect(filtered({ API_KEY: 'sesame-1' }, whole + piece)).toBe(`${whole}{"type":"stream_event"}\n`);
  });

  it('passes on bytes that are no text', () => {
    const input = Buffer.from([0x61, 0xff, 0xfe, 0x00, 0x62, 0x0a]);
    expect(filtered({ API_KEY: 'sesame-1' }, input)).toBe('a\u00FF\u00FE\u0000b\n');
  });

  it('is none where there are no secrets', () => {
    expect(outputFilterOf({ CI: 'true', API_KEY: 'short' })).toBeNull();
  });
});
