import { crc32, deflateSync } from 'node:zlib';
import type { Page } from 'playwright-core';
import * as v from 'valibot';

const paintedSchema = v.object({
  width: v.number(),
  height: v.number(),
  /** Red, green, blue of each colour. */
  palette: v.array(v.number()),
  /** Base64: a byte for each pixel, its place in the palette. */
  pixels: v.string(),
});

/**
 * The same picture with at most 256 colours, in a third of the bytes: a window has few colours but for the edges of its
 * letters. `page`: any, it is drawn in there.
 */
export async function smallPng(page: Page, png: Buffer): Promise<Buffer> {
  const painted: unknown = await page.evaluate(`(${paint})(${JSON.stringify(png.toString('base64'))})`);
  const { width, height, palette, pixels } = v.parse(paintedSchema, painted);
  const bytes = Buffer.from(pixels, 'base64');
  // Each line begins with its filter: none.
  const lines = Buffer.alloc((width + 1) * height);
  for (let line = 0; line < height; line += 1)
    bytes.copy(lines, line * (width + 1) + 1, line * width, (line + 1) * width);
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  // 8 bits, by palette; the one compression, the one set of filters, not interlaced.
  header.set([8, 3, 0, 0, 0], 8);
  return Buffer.concat([
    Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]),
    chunk('IHDR', header),
    chunk('PLTE', Buffer.from(palette)),
    chunk('IDAT', deflateSync(lines, { level: 9 })),
    chunk('IEND', Buffer.alloc(0)),
  ]);
}

function chunk(type: string, data: Buffer): Buffer {
  const named = Buffer.concat([Buffer.from(type, 'latin1'), data]);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(data.length);
  const check = Buffer.alloc(4);
  check.writeUInt32BE(crc32(named));
  return Buffer.concat([length, named, check]);
}

/** In the page: the commonest colours make the palette, each other one becomes the nearest of these. */
const paint = `async (base64) => {
  const image = new Image();
  image.src = 'data:image/png;base64,' + base64;
  await image.decode();
  const { width, height } = image;
  const context = Object.assign(document.createElement('canvas'), { width, height }).getContext('2d');
  context.drawImage(image, 0, 0);
  const data = new Uint32Array(context.getImageData(0, 0, width, height).data.buffer);
  const counts = new Map();
  for (const colour of data) counts.set(colour, (counts.get(colour) ?? 0) + 1);
  const colours = [...counts.keys()].sort((one, other) => counts.get(other) - counts.get(one));
  const parts = (colour) => [colour & 255, (colour >> 8) & 255, (colour >> 16) & 255];
  const palette = colours.slice(0, 256).map(parts);
  const places = new Map(colours.slice(0, 256).map((colour, index) => [colour, index]));
  for (const colour of colours.slice(256)) {
    const [red, green, blue] = parts(colour);
    let nearest = 0;
    let least = Infinity;
    palette.forEach(([r, g, b], index) => {
      const distance = (r - red) ** 2 + (g - green) ** 2 + (b - blue) ** 2;
      if (distance < least) [nearest, least] = [index, distance];
    });
    places.set(colour, nearest);
  }
  let text = '';
  for (const colour of data) text += String.fromCharCode(places.get(colour));
  return { width, height, palette: palette.flat(), pixels: btoa(text) };
}`;
