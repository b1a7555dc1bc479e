// The pictures to render, made once: soft light, edges, texture and the noise of a sensor, as in a photograph.
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import sharp from 'sharp';

const photo = (width, height, channels) => {
  const pixels = Buffer.alloc(width * height * channels);
  let seed = 1;
  const random = () => {
    seed ^= seed << 13;
    seed ^= seed >>> 17;
    seed ^= seed << 5;
    return (seed >>> 0) / 2 ** 32;
  };
  for (let y = 0, at = 0; y < height; y++) {
    for (let x = 0; x < width; x++, at += channels) {
      const light = 90 + 70 * Math.sin(x / 900) * Math.cos(y / 700) + 40 * (y / height);
      const edge = (Math.floor(x / 310) + Math.floor(y / 270)) % 5 === 0 ? 35 : 0;
      const texture = 14 * Math.sin(x / 5 + 3 * Math.sin(y / 40)) * Math.sin(y / 7);
      const grain = 24 * (random() + random() - 1);
      pixels[at] = Math.max(0, Math.min(255, light + edge + texture + grain));
      pixels[at + 1] = Math.max(0, Math.min(255, light * 0.9 + texture + grain));
      pixels[at + 2] = Math.max(0, Math.min(255, 200 - light * 0.6 + edge + grain));
      if (channels === 4) pixels[at + 3] = Math.max(0, Math.min(255, 400 - Math.hypot(x - width / 2, y - height / 2) / 3));
    }
  }
  return sharp(pixels, { raw: { width, height, channels } });
};

const svg = () => {
  const shapes = Array.from({ length: 400 }, (_, i) => {
    const [x, y, color] = [(i * 97) % 1000, (i * 61) % 800, `hsl(${i % 360} 70% 50%)`];
    return `<path d="M${x} ${y}q40 -60 80 0t60 40z" fill="${color}" fill-opacity=".7"/><circle cx="${y}" cy="${x}" r="${5 + (i % 20)}" fill="url(#g)"/>`;
  });
  const gradient = '<linearGradient id="g"><stop stop-color="#fff"/><stop offset="1" stop-color="#036"/></linearGradient>';
  return Buffer.from(`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 1000 800"><defs>${gradient}</defs>${shapes.join('')}</svg>`);
};

const lines = Array.from({ length: 2000 }, (_, i) => `${i}: the quick brown fox jumps over the lazy dog ${i * i} times`);

/** A page of text and curves, 40 times: what a report has. */
const pdf = () => {
  const text = lines.slice(0, 55).map((line) => `(${line}) Tj 0 -13 Td`).join(' ');
  const curves = lines.slice(0, 300).map((_, i) => `${i} 700 m ${i} 750 500 ${750 - i} 550 700 c S`).join(' ');
  const content = `BT /F 10 Tf 50 680 Td ${text} ET 0.2 w ${curves}`;
  const pages = Array.from({ length: 40 }, (_, i) => i + 4);
  const objects = [
    '<</Type/Catalog/Pages 2 0 R>>',
    `<</Type/Pages/Count ${pages.length}/Kids[${pages.map((id) => `${id} 0 R`).join(' ')}]/MediaBox[0 0 595 842]>>`,
    '<</Type/Font/Subtype/Type1/BaseFont/Times-Roman>>',
    ...pages.map((id) => `<</Type/Page/Parent 2 0 R/Resources<</Font<</F 3 0 R>>>>/Contents ${id + pages.length} 0 R>>`),
    ...pages.map(() => `<</Length ${content.length}>>stream\n${content}\nendstream`),
  ];
  let file = '%PDF-1.4\n';
  const offsets = objects.map((object, i) => {
    const offset = file.length;
    file += `${i + 1} 0 obj${object}endobj\n`;
    return `${String(offset).padStart(10, '0')} 00000 n \n`;
  });
  const table = `xref\n0 ${objects.length + 1}\n0000000000 65535 f \n${offsets.join('')}`;
  return Buffer.from(`${file}${table}trailer<</Size ${objects.length + 1}/Root 1 0 R>>\nstartxref\n${file.length}\n%%EOF`);
};

// Name, what it is, and how it is made. sharp does not know the last two.
const inputs = [
  ['photo.jpg', 'JPEG, 24 megapixels', () => photo(6000, 4000, 3).jpeg({ quality: 85 })],
  ['progressive.jpg', 'JPEG, progressive, 24 megapixels', () => photo(6000, 4000, 3).jpeg({ quality: 85, progressive: true })],
  ['rgb.png', 'PNG, 6 megapixels', () => photo(3000, 2000, 3).png()],
  ['rgba.png', 'PNG with transparency, 6 megapixels', () => photo(3000, 2000, 4).png()],
  ['lossy.webp', 'WebP, 10 megapixels', () => photo(3872, 2592, 3).webp({ quality: 80 })],
  ['lossless.webp', 'WebP, lossless, 6 megapixels', () => photo(3000, 2000, 3).webp({ lossless: true, effort: 1 })],
  ['palette.gif', 'GIF, 6 megapixels', () => photo(3000, 2000, 3).gif({ effort: 1 })],
  ['lzw.tiff', 'TIFF, LZW, 6 megapixels', () => photo(3000, 2000, 3).tiff({ compression: 'lzw' })],
  ['raw.tiff', 'TIFF, uncompressed, 6 megapixels', () => photo(3000, 2000, 3).tiff({ compression: 'none' })],
  ['shapes.svg', 'SVG, 800 shapes', svg],
  ['report.pdf', 'PDF, 40 pages', pdf],
  ['lines.txt', 'text, 2,000 lines', () => Buffer.from(lines.join('\n'))],
];

/** Makes what is not in `folder` yet; gives the path and the description of each. */
export const makeInputs = async (folder) => {
  mkdirSync(folder, { recursive: true });
  const made = [];
  for (const [name, description, make] of inputs) {
    const path = join(folder, name);
    if (!existsSync(path)) {
      const picture = make();
      writeFileSync(path, Buffer.isBuffer(picture) ? picture : await picture.toBuffer());
    }
    made.push({ path, description });
  }
  return made;
};
