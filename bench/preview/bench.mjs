// Our previews beside sharp's: `node bench.mjs TIME FOLDER`, where TIME is the built example `time` of the crate
// `preview`, and FOLDER keeps the inputs. Prints a Markdown table.
import { execFileSync } from 'node:child_process';
import { readFileSync, statSync } from 'node:fs';
import { extname } from 'node:path';
import { fileURLToPath } from 'node:url';
import sharp from 'sharp';
import { makeInputs } from './inputs.mjs';

const ROUNDS = 5;
const TIMES = 5;

// One thread and no cache: every rendering is a first one.
sharp.concurrency(1);
sharp.cache(false);

const bySharp = async (source, path) => {
  const preview = sharp(source).autoOrient().resize(200, 200, { fit: 'inside', withoutEnlargement: true });
  const transparent = /rgba|svg/.test(path);
  await (transparent ? preview.png() : preview.jpeg({ quality: 80 })).toBuffer();
};

const median = (values) => values.sort((a, b) => a - b)[Math.floor(values.length / 2)];

const peak = () => Number(/VmHWM:\s+(\d+)/.exec(readFileSync('/proc/self/status', 'utf8'))[1]) / 1024;

/** Milliseconds of a rendering by ours, and the peak memory of a process that does nothing else. */
const ours = (time, path, times) => execFileSync(time, [path, String(times)], { encoding: 'utf8' }).split(' ').map(Number);

/** The peak memory of a process that renders the file by sharp, or only loads sharp. */
const theirPeak = (path) => Number(execFileSync(process.execPath, [fileURLToPath(import.meta.url), path], { encoding: 'utf8' }));

const row = async (time, { path, description }) => {
  const source = readFileSync(path);
  const known = await bySharp(source, path).then(() => true, () => false);
  const [our, their] = [[], []];
  // In turn, so that whatever else the machine does meets both.
  for (let round = 0; round < ROUNDS; round++) {
    our.push(ours(time, path, TIMES)[0]);
    for (let i = 0; known && i < TIMES; i++) {
      const start = performance.now();
      await bySharp(source, path);
      their.push(performance.now() - start);
    }
  }
  const milliseconds = median(our);
  const theirs = known ? [median(their).toFixed(1), (milliseconds / median(their)).toFixed(2)] : ['-', '-'];
  const peaks = [ours(time, path, 1)[1].toFixed(0), known ? theirPeak(path).toFixed(0) : '-'];
  return [`${description}, ${(statSync(path).size / 1e6).toFixed(1)} MB`, milliseconds.toFixed(1), ...theirs, ...peaks];
};

const [time, folder] = process.argv.slice(2);
if (folder === undefined) {
  // The child whose memory is measured: one rendering, by sharp; its path is all that it is told.
  if (extname(time)) await bySharp(readFileSync(time), time);
  console.log(peak());
} else {
  const heads = ['input', 'ours, ms', 'sharp, ms', 'ratio', 'ours, peak MiB', 'sharp, peak MiB'];
  console.log(`| ${heads.join(' | ')} |\n| ${heads.map((_, i) => (i ? '---:' : '---')).join(' | ')} |`);
  for (const input of await makeInputs(folder)) console.log(`| ${(await row(time, input)).join(' | ')} |`);
  const idle = theirPeak('idle');
  console.log(`\nMedians of ${ROUNDS * TIMES} renderings at 200 px, one thread each, in turn. Memory is the peak RSS of a process`);
  console.log(`that renders the file once, with the file; Node.js with sharp alone takes ${idle.toFixed(0)} MiB.`);
}
