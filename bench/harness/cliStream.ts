/** How an agent's output is made up, by lines: mostly pieces of text as they are written, now and then a file that was read. */
const shapes: readonly (readonly [share: number, line: (index: number) => unknown])[] = [
  [
    70,
    (index) => ({
      type: 'stream_event',
      event: { type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text: ` word ${index}` } },
      session_id: session,
      parent_tool_use_id: null,
      uuid: session,
    }),
  ],
  [
    12,
    (index) => ({
      type: 'assistant',
      message: {
        id: 'msg_1',
        role: 'assistant',
        content: [{ type: 'text', text: sentence.repeat(1 + (index % 6)) }],
      },
      session_id: session,
    }),
  ],
  [
    9,
    (index) => ({
      type: 'assistant',
      message: {
        content: [
          {
            type: 'tool_use',
            id: `toolu_${index}`,
            name: 'Read',
            input: { file_path: `/worktree/src/file${index}.ts` },
          },
        ],
      },
      session_id: session,
    }),
  ],
  [
    9,
    (index) => ({
      type: 'user',
      message: {
        role: 'user',
        content: [
          { type: 'tool_result', tool_use_id: `toolu_${index}`, content: sentence.repeat(20 + (index % 80)) },
        ],
      },
      session_id: session,
    }),
  ],
];

const session = '0a4f2c8e-6b1d-4f7a-9c3e-5d8b7a6f1e20';
const sentence = 'The quick brown fox «jumps» over the lazy dog, and\\n\tdoes so again. ';

/** The lines of an agent's run, this many; the same every time. */
export function agentLines(count: number): readonly string[] {
  const cycle = shapes.flatMap(([share, line]) => Array.from({ length: share }, () => line));
  return Array.from({ length: count }, (_, index) => {
    // A prime step: shapes are mixed, and each comes as often as its share says.
    const line = cycle[(index * 37) % cycle.length];
    return JSON.stringify(line?.(index));
  });
}

export function bytesOf(lines: readonly string[]): Buffer {
  return Buffer.from(`${lines.join('\n')}\n`);
}
