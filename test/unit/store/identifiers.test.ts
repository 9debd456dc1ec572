import { expect, test } from 'vitest';
import { sqlTime, taskIdOfBytes, uuidBytes } from '../../../src/engine/store/identifiers.ts';

test('a UUID is 16 bytes and comes back in lower case', () => {
  const bytes = uuidBytes('0A1B2C3D-4E5F-6071-8293-A4B5C6D7E8F9');
  expect(bytes).toHaveLength(16);
  expect(taskIdOfBytes(bytes)).toBe('0a1b2c3d-4e5f-6071-8293-a4b5c6d7e8f9');
});

test.each(['', 'task', '0a1b2c3d4e5f60718293a4b5c6d7e8f9', '0a1b2c3d-4e5f-6071-8293-a4b5c6d7e8fg'])(
  '"%s" is no UUID',
  (text) => {
    expect(() => uuidBytes(text)).toThrow('not a UUID');
  },
);

test('times are written as the board writes them', () => {
  expect(sqlTime(0)).toBe('1970-01-01 00:00:00.000');
});
