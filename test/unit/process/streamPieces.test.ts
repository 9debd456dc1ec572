import { expect, it } from 'vitest';
import { PieceCutter } from '../../../src/engine/process/streamPieces.ts';

const lines = [
  '{"type":"system"}',
  '{"type":"stream_event","event":{"delta":{"text":"sk-ant-"}}}',
  '',
  '{"type":"stream_eve',
  '{"type":"assistant","text":"{\\"type\\":\\"stream_event\\",1"}',
  'x{"type":"stream_event","event":{}}',
  '{"type":"stream_event","event":{"delta":{"text":"0123"}}}',
  '{"type":"stream_event"}',
];

const cut = lines.map((line) =>
  line.startsWith('{"type":"stream_event",') ? '{"type":"stream_event"}' : line,
);

it.each(['', '\n', '\n{"type":"stream_ev'])(
  'cuts pieces down for every way to cut the stream, ending %j',
  (ending) => {
    const text = Buffer.from(lines.join('\n') + ending);
    for (let size = 1; size <= text.length; size += 1) {
      const cutter = new PieceCutter();
      const parts: Buffer[] = [];
      for (let at = 0; at < text.length; at += size) parts.push(cutter.push(text.subarray(at, at + size)));
      parts.push(cutter.end());
      expect(Buffer.concat(parts).toString()).toBe(cut.join('\n') + ending);
    }
  },
);
